// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TextTemplates

@testable import CloudConfig

@Suite struct BootPlanTests {
  static let machineID = "0123456789abcdef0123456789abcdef"

  /// The plan of a document without its header, which must have no errors.
  private func plan(_ text: String, _ addresses: AddressTokens? = nil) throws -> BootPlan {
    let document = CloudConfigDocument(
      reading: Array("#cloud-config\n\(text)".utf8),
      addresses: addresses ?? AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: MachineSpecifiers(hostname: "core-01", machineID: Self.machineID)
    )
    return try #require(document.plan, "\(document.report(file: "f"))")
  }

  private func url(_ text: String) throws -> EndpointURL {
    try EndpointURL(parsing: text)
  }

  @Test func `the first walkthrough's user-data becomes a plan`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/user-data.yaml")
    let text = try String(contentsOf: file, encoding: .utf8).replacing("<token>", with: "0f")
    let plan = try plan(String(text.drop { $0 != "\n" }.dropFirst()))
    let etcd = try #require(plan.etcd)
    #expect(etcd.bootstrap == .discovery(url: "http://172.17.8.101:2379/discovery/0f"))
    #expect(etcd.advertiseClientURLs.map(\.text) == ["http://203.0.113.7:2379"])
    #expect(etcd.initialAdvertisePeerURLs.map(\.text) == ["http://10.0.0.7:2380"])
    #expect(etcd.listenClientURLs.map(\.text) == ["http://0.0.0.0:2379", "http://0.0.0.0:4001"])
    #expect(etcd.listenPeerURLs.map(\.text) == ["http://10.0.0.7:2380", "http://10.0.0.7:7001"])
    #expect(etcd.hasExplicitPeerURLs)
    let fleet = try #require(plan.fleet)
    #expect(fleet.publicIP == "203.0.113.7")
    #expect(fleet.metadata.map(\.key) == ["disk", "platform", "provider", "region"])
    #expect(plan.localUnits.isEmpty)
  }

  @Test(arguments: ["user-data.sample", "static.sample", "demo/user-data.yaml", "demo/seed.yaml"])
  func `the samples of the repository are free of findings`(_ name: String) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appending(path: "cloud-config/\(name)"), encoding: .utf8)
      .replacing("<token>", with: "0f").replacing("<discovery-url>", with: "http://h:2379/discovery/0f")
    let document = CloudConfigDocument(
      reading: Array(text.utf8),
      addresses: .placeholders,
      specifiers: .placeholders
    )
    #expect(document.report(file: name) == [])
  }

  @Test func `defaults are those of the contract`() throws {
    let plan = try plan("coreos:\n  etcd2: {}\n  fleet: {}\n")
    #expect(plan.etcd == BootPlan.standalone.etcd && plan.fleet == BootPlan.standalone.fleet)
    #expect(plan.etcd?.listenClientURLs.map(\.text) == ["http://127.0.0.1:2379", "http://127.0.0.1:4001"])
    #expect(plan.etcd?.listenPeerURLs.map(\.text) == ["http://127.0.0.1:2380", "http://127.0.0.1:7001"])
    #expect(plan.fleet?.listenURLs.map(\.text) == ["http://127.0.0.1:49153"])
    #expect(plan.registrator == RegistratorPlan(prefix: "/services", ttlSeconds: 60))
  }

  @Test func `a section or a start of the unit runs a built-in, a mask or a stop does not`() throws {
    #expect(try plan("coreos: {etcd2: {name: a}}").fleet == nil)
    #expect(try plan("coreos: {fleet: {metadata: a=b}}").etcd == nil)
    #expect(try plan("coreos: {units: [{name: etcd2.service, command: start}]}").etcd == EtcdPlan())
    #expect(try plan("coreos: {units: [{name: fleet.service, command: start}]}").fleet == FleetPlan())
    #expect(try plan("coreos: {etcd2: {name: a}, units: [{name: etcd2.service, mask: true}]}").etcd == nil)
    #expect(try plan("coreos: {fleet: {}, units: [{name: fleet.service, command: stop}]}").fleet == nil)
    #expect(try plan("coreos: {fleet: {}, units: [{name: docker.service, mask: on}]}").dockerURL == "none")
    #expect(try !plan("coreos: {fleet: {}, units: [{name: registrator.service, command: stop}]}").registrator.isEnabled)
  }

  @Test func `specifiers and tokens are replaced in settings`() throws {
    let plan = try plan(
      """
      coreos:
        etcd2:
          name: '%H-%m'
          advertise-client-urls: http://%H:2379
          listen-client-urls: http://$private_ipv4:2379
        fleet:
          metadata: name=%H,share=5%%,other=%x
      """
    )
    #expect(plan.etcd?.name == "core-01-\(Self.machineID)")
    #expect(plan.etcd?.advertiseClientURLs == [try url("http://core-01:2379")])
    #expect(
      plan.fleet?.metadata == [
        .init(key: "name", value: "core-01"), .init(key: "other", value: "%x"), .init(key: "share", value: "5%"),
      ]
    )
  }

  @Test func `a token is replaced everywhere but where it is escaped or in braces`() throws {
    let plan = try plan(
      #"""
      coreos:
        units:
          - name: a.service
            command: start
            content: |
              $private_ipv4$public_ipv4 \$private_ipv4 ${private_ipv4} $private_ipv4s $other
          - name: b.service
            content: "\$private_ipv4 $private_ipv4"
      """#
    )
    #expect(
      plan.localUnits.map(\.content) == [
        "10.0.0.7203.0.113.7 $private_ipv4 ${private_ipv4} 10.0.0.7s $other\n", "$private_ipv4 10.0.0.7",
      ]
    )
    #expect(plan.localUnits[0].command == .start)
  }

  @Test func `sockets, timers, paths and targets are the node's own units as services are`() throws {
    let plan = try plan(
      """
      coreos:
        units:
          - {name: a.timer, command: start, content: x}
          - {name: a.socket, enable: true, content: x}
          - {name: a.path, content: x}
          - {name: a.target, content: x}
          - {name: a.mount, content: x}
          - {name: fleet.timer, content: x}
      """
    )
    #expect(plan.localUnits.map(\.name) == ["a.timer", "a.socket", "a.path", "a.target"])
    #expect(plan.localUnits[0].command == .start && plan.localUnits[1].isEnabled)
  }

  @Test func `explicit zeros and noes are kept`() throws {
    let plan = try plan(
      "coracle: {registrator: {ttl: 0, enabled: no}}\ncoreos: {fleet: {disable-engine: false, verbosity: 0}}\n"
    )
    #expect(plan.registrator.ttlSeconds == 0)
    #expect(!plan.registrator.isEnabled)
    #expect(plan.fleet?.isEngineDisabled == false)
  }

  @Test func `the registrator's settings are those of its command line`() throws {
    let plan = try plan(
      """
      coracle:
        registrator:
          {format: vulcand, internal: yes, useIpFromLabel: io.ip, explicit: yes, tags: "a, b", ttl: 30, ttl-refresh: 7,
           resync: 0, deregister: on-success, cleanup: yes, healthy-only: no, drain: 0.5}
      coreos: {fleet: {}}
      """
    ).registrator
    var expected = RegistratorPlan(prefix: "/vulcand", isInternal: true, ttlSeconds: 30)
    (expected.format, expected.ipLabel, expected.isExplicit, expected.tags) = (.vulcand, "io.ip", true, ["a", "b"])
    (expected.refreshSeconds, expected.resyncSeconds, expected.deregistration) = (7, 0, .onSuccess)
    (expected.cleansUp, expected.wantsHealthy, expected.drain) = (true, false, .milliseconds(500))
    #expect(plan == expected)
    let skydns = try self.plan("coracle: {registrator: {format: skydns2, domain: .a.b.}}\ncoreos: {fleet: {}}")
    #expect((skydns.registrator.prefix, skydns.registrator.domain) == ("/skydns", "a.b"))
  }

  @Test func `tags with braces are a template`() throws {
    let text = "{{mIndex \"team\" .Config.Labels}},{{toLower .Name}}"
    let registrator = try plan("coracle: {registrator: {tags: '\(text)'}}\ncoreos: {fleet: {}}").registrator
    #expect(registrator.tagTemplate?.text == text && registrator.tags.isEmpty)
  }

  @Test func `what is advertised follows what is listened on`() throws {
    let etcd = try plan(
      "coreos: {etcd2: {listen-client-urls: 'http://0.0.0.0:2379', listen-peer-urls: 'http://10.0.0.7:2380'}}"
    ).etcd
    #expect(etcd?.advertiseClientURLs == [try url("http://10.0.0.7:2379")])
    #expect(etcd?.initialAdvertisePeerURLs == [try url("http://10.0.0.7:2380")])
    #expect(etcd?.hasExplicitPeerURLs == false)
  }

  @Test func `an initial cluster is kept in its order, a name may have several URLs`() throws {
    let etcd = try plan(
      "coreos: {etcd2: {name: b, initial-cluster: 'b=http://127.0.0.1:2, a=http://127.0.0.1:1,b=http://127.0.0.1:3'}}"
    ).etcd
    guard case .initialCluster(let cluster) = etcd?.bootstrap else {
      Issue.record("no initial cluster")
      return
    }
    #expect(cluster.entries.map(\.name) == ["b", "a"])
    #expect(cluster["b"]?.peerURLs.map(\.port) == [2, 3])
    #expect(cluster.text == "b=http://127.0.0.1:2,b=http://127.0.0.1:3,a=http://127.0.0.1:1")
  }

  @Test func `fleet's settings are taken over`() throws {
    let fleet = try plan(
      """
      coreos:
        fleet:
          agent-ttl: 3s
          engine-reconcile-interval: 0.25
          etcd-request-timeout: 5
          etcd-servers: http://10.0.0.1:2379, http://10.0.0.2:2379
          etcd_key_prefix: x/fleet
          disable_engine: true
          token_limit: 7
          listen-urls: http://0.0.0.0:49153
          metadata: b=1, a = x=y ,b=2
      """
    ).fleet
    #expect(fleet?.agentTTL == .seconds(3))
    #expect(fleet?.engineReconcileInterval == .milliseconds(250))
    #expect(fleet?.etcdRequestTimeout == .seconds(5))
    #expect(fleet?.etcdServers.map(\.host) == ["10.0.0.1", "10.0.0.2"])
    #expect(fleet?.etcdKeyPrefix == "/x/fleet/")
    #expect(fleet?.isEngineDisabled == true)
    #expect(fleet?.tokenLimit == 7)
    #expect(fleet?.listenURLs.map(\.text) == ["http://0.0.0.0:49153"])
    #expect(fleet?.metadata == [.init(key: "a", value: "x=y"), .init(key: "b", value: "2")])
  }

  @Test func `servers on loopback mean this node's own store`() throws {
    let own = try plan("coreos: {etcd2: {name: a}, fleet: {etcd-servers: 'http://127.0.0.1:4001'}}")
    #expect(own.fleet?.etcdServers.isEmpty == true)
    let other = try plan("coreos: {fleet: {etcd-servers: 'http://127.0.0.1:4001'}}")
    #expect(other.fleet?.etcdServers.map(\.port) == [4001])
  }

  @Test func `drop-ins of built-ins set what the sections set, by file name`() throws {
    let text = """
      coreos:
        etcd2: {name: section, election-timeout: 2000, heartbeat-interval: 50}
        units:
          - name: etcd2.service
            drop-ins:
              - name: 30-late.conf
                content: |
                  [Service]
                  Environment="ETCD_NAME=late" 'ETCD_ELECTION_TIMEOUT=3000'
              - name: 10-early.conf
                content: |
                  [Service]
                  Environment=ETCD_NAME=early ETCD_HEARTBEAT_INTERVAL=77
                  Environment=ETCD_SNAPSHOT_COUNT=5
          - name: fleet.service
            drop-ins:
              - name: 10-meta.conf
                content: "[Service]\\nEnvironment=FLEET_METADATA=a=b"
          - name: fleet.socket
            drop-ins:
              - name: 30-listen.conf
                content: |
                  [Socket]
                  ListenStream=127.0.0.1:49154
                  ListenStream=49155
      """
    let plan = try plan(text)
    #expect(plan.etcd?.name == "late")
    #expect(plan.etcd?.electionMilliseconds == 3_000)
    #expect(plan.etcd?.heartbeatMilliseconds == 50)
    #expect(plan.etcd?.snapshotCount == 5)
    #expect(plan.fleet?.metadata == [.init(key: "a", value: "b")])
    #expect(plan.fleet?.listenURLs.map(\.text) == ["http://127.0.0.1:49154", "http://0.0.0.0:49155"])
  }

  @Test func `files and users are kept as they are to be made`() throws {
    let system = try plan(
      """
      hostname: core-01
      users:
        - {name: elroy, passwd: $6$x, groups: [sudo, docker], ssh-authorized-keys: [ssh-rsa x]}
      write_files:
        - path: /etc/a
          permissions: 0640
          owner: core:core
          content: plain
        - path: /etc/b
          encoding: b64
          content: aGVs bG8=
        - path: /etc/c
          content: !!binary |
            aGVsbG8=
      """
    ).system
    #expect(system.hostname == "core-01")
    #expect(
      system.users == [
        .init(name: "elroy", passwordHash: "$6$x", sshAuthorizedKeys: ["ssh-rsa x"], groups: ["sudo", "docker"])
      ]
    )
    #expect(system.files.map { String(decoding: $0.content, as: UTF8.self) } == ["plain", "hello", "hello"])
    #expect(system.files.map(\.permissions) == [0o640, 0o644, 0o644])
    #expect(system.files[0].owner == "core:core")
  }

  @Test func `carriage returns and merge keys are understood`() throws {
    let plan = try plan(
      "x: &d\r\n  name: a\r\n  snapshot-count: 7\r\ncoreos:\r\n  etcd2:\r\n    <<: *d\r\n    name: b\r\n"
    )
    #expect(plan.etcd?.name == "b")
    #expect(plan.etcd?.snapshotCount == 7)
  }
}
