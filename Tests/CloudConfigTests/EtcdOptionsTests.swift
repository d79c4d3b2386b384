// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CloudConfig

/// Every row of specs/etcd-v2.md §16: each key has its effect, or a finding says that it has none.
@Suite struct EtcdOptionsTests {
  /// What a key does.
  enum Effect: Sendable {
    /// It changes the plan so.
    case plan(@Sendable (EtcdPlan) -> Bool)
    /// It changes nothing, and a finding says so.
    case none
    /// It is refused.
    case refused
    /// The transport's engineer answers for it.
    case transport
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var key: String
    var value: String
    var effect: Effect
    /// Further settings that the key needs.
    var with = ""
    /// Whether a finding is expected besides the effect.
    var hasFinding = false
    var testDescription: String { key }
  }

  static let rows: [Row] = [
    Row(key: "name", value: "infra0", effect: .plan { $0.name == "infra0" }),
    Row(key: "data-dir", value: "/d", effect: .plan { $0.dataDirectory == "/d" }),
    Row(key: "wal-dir", value: "/w", effect: .plan { $0.walDirectory == "/w" }, hasFinding: true),
    Row(key: "snapshot-count", value: "77", effect: .plan { $0.snapshotCount == 77 }),
    Row(key: "heartbeat-interval", value: "20", effect: .plan { $0.heartbeatMilliseconds == 20 }),
    Row(key: "election-timeout", value: "2000", effect: .plan { $0.electionMilliseconds == 2_000 }),
    Row(
      key: "listen-peer-urls",
      value: "http://127.0.0.1:9",
      effect: .plan { $0.listenPeerURLs.map(\.text) == ["http://127.0.0.1:9"] }
    ),
    Row(
      key: "listen-client-urls",
      value: "http://127.0.0.1:9",
      effect: .plan { $0.listenClientURLs.map(\.text) == ["http://127.0.0.1:9"] }
    ),
    Row(key: "max-snapshots", value: "3", effect: .none),
    Row(key: "max-wals", value: "3", effect: .none),
    Row(key: "cors", value: "http://a, *", effect: .plan { $0.corsOrigins == ["http://a", "*"] }),
    Row(
      key: "initial-advertise-peer-urls",
      value: "http://127.0.0.1:9",
      effect: .plan { $0.hasExplicitPeerURLs && $0.initialAdvertisePeerURLs.map(\.text) == ["http://127.0.0.1:9"] }
    ),
    Row(
      key: "initial-cluster",
      value: "a=http://127.0.0.1:9",
      effect: .plan { $0.bootstrap == (try? .initialCluster(InitialCluster(parsing: "a=http://127.0.0.1:9"))) }
    ),
    Row(
      key: "initial-cluster-state",
      value: "existing",
      effect: .plan { $0.clusterState == .existing },
      with: "initial-cluster: 'a=http://127.0.0.1:9'"
    ),
    Row(key: "initial-cluster-token", value: "t", effect: .plan { $0.clusterToken == "t" }),
    Row(
      key: "advertise-client-urls",
      value: "http://127.0.0.1:9",
      effect: .plan { $0.advertiseClientURLs.map(\.text) == ["http://127.0.0.1:9"] }
    ),
    Row(
      key: "discovery",
      value: "http://h:1/discovery/0f",
      effect: .plan { $0.bootstrap == .discovery(url: "http://h:1/discovery/0f") }
    ),
    Row(key: "discovery-fallback", value: "exit", effect: .plan { $0.discoveryFallback == .exit }),
    Row(key: "discovery-proxy", value: "10.0.0.1:3128", effect: .plan { $0.discoveryProxy?.port == 3_128 }),
    Row(
      key: "discovery-srv",
      value: "example.com",
      effect: .plan { $0.bootstrap == .discoverySRV(domain: "example.com") }
    ),
    Row(key: "strict-reconfig-check", value: "false", effect: .plan { !$0.isReconfigurationChecked }),
    Row(
      key: "proxy",
      value: "readonly",
      effect: .plan { $0.proxy == .readonly },
      with: "initial-cluster: 'a=http://127.0.0.1:9'"
    ),
    Row(key: "proxy-failure-wait", value: "7", effect: .plan { $0.proxyTimes.failureWaitMilliseconds == 7 }),
    Row(key: "proxy-refresh-interval", value: "7", effect: .plan { $0.proxyTimes.refreshMilliseconds == 7 }),
    Row(key: "proxy-dial-timeout", value: "7", effect: .plan { $0.proxyTimes.dialMilliseconds == 7 }),
    Row(key: "proxy-write-timeout", value: "0", effect: .plan { $0.proxyTimes.writeMilliseconds == 0 }),
    Row(key: "proxy-read-timeout", value: "7", effect: .plan { $0.proxyTimes.readMilliseconds == 7 }, hasFinding: true),
    Row(key: "ca-file", value: "/c", effect: .transport), Row(key: "cert-file", value: "/c", effect: .transport),
    Row(key: "key-file", value: "/c", effect: .transport),
    Row(key: "client-cert-auth", value: "true", effect: .transport),
    Row(key: "trusted-ca-file", value: "/c", effect: .transport),
    Row(key: "peer-ca-file", value: "/c", effect: .transport),
    Row(key: "peer-cert-file", value: "/c", effect: .transport),
    Row(key: "peer-key-file", value: "/c", effect: .transport),
    Row(key: "peer-client-cert-auth", value: "true", effect: .transport),
    Row(key: "peer-trusted-ca-file", value: "/c", effect: .transport),
    Row(key: "debug", value: "true", effect: .plan { $0.isDebugging }),
    Row(key: "log-package-levels", value: "raft=DEBUG", effect: .none),
    Row(key: "force-new-cluster", value: "true", effect: .plan { $0.forcesNewCluster }, hasFinding: true),
    Row(key: "enable-pprof", value: "true", effect: .plan { $0.enablesProfiling }),
    Row(key: "experimental-v3demo", value: "true", effect: .none),
    Row(key: "experimental-grpc-addr", value: "127.0.0.1:2378", effect: .none),
    Row(key: "experimental-auto-compaction-retention", value: "1", effect: .none),
    // What is left of etcd 0.4.
    Row(
      key: "addr",
      value: "127.0.0.1:9",
      effect: .plan { $0.advertiseClientURLs.map(\.text) == ["http://127.0.0.1:9"] },
      hasFinding: true
    ),
    Row(
      key: "bind-addr",
      value: "127.0.0.1:9",
      effect: .plan { $0.listenClientURLs.map(\.text) == ["http://127.0.0.1:9"] },
      hasFinding: true
    ),
    Row(
      key: "peer-addr",
      value: "127.0.0.1:9",
      effect: .plan { $0.initialAdvertisePeerURLs.map(\.text) == ["http://127.0.0.1:9"] },
      hasFinding: true
    ),
    Row(
      key: "peer-bind-addr",
      value: "127.0.0.1:9",
      effect: .plan { $0.listenPeerURLs.map(\.text) == ["http://127.0.0.1:9"] },
      hasFinding: true
    ),
    Row(key: "peers", value: "127.0.0.1:9", effect: .refused), Row(key: "peers-file", value: "/p", effect: .refused),
    Row(key: "cluster-active-size", value: "9", effect: .none), Row(key: "snapshot", value: "true", effect: .none),
    Row(key: "peer-heartbeat-interval", value: "9", effect: .none), Row(key: "vv", value: "true", effect: .none),
  ]

  private func read(_ text: String, environment: [String: String] = [:]) -> CloudConfigDocument {
    CloudConfigDocument(
      reading: Array("#cloud-config\n\(text)\n".utf8),
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: .placeholders,
      environment: environment
    )
  }

  private func check(_ row: Row, _ document: CloudConfigDocument, _ place: String) {
    let report = document.report(file: "f")
    let findings = report.filter { $0.hasPrefix(place) }
    switch row.effect {
    case .plan(let isThere):
      #expect(document.plan?.etcd.map(isThere) == true, "\(report)")
      #expect(findings.isEmpty == !row.hasFinding, "\(report)")
      #expect(EtcdPlan() != document.plan?.etcd, "\(report)")
    case .none:
      #expect(document.plan?.etcd == EtcdPlan(), "\(report)")
      #expect(findings.count == 1 && findings[0].contains("has no effect"), "\(report)")
    case .refused:
      #expect(document.hasErrors)
      #expect(findings.contains { $0.contains(": error: ") }, "\(report)")
    case .transport:
      #expect(!findings.contains { $0.contains("unknown key") }, "\(report)")
    }
  }

  @Test(arguments: rows)
  func `every key has its effect, or a finding that it has none`(_ row: Row) {
    let document = read(
      "coreos:\n  etcd2:\n    \(row.key): '\(row.value)'\n    \(row.with)".replacing("'true'", with: "true")
    )
    let quotes = document.report(file: "f").filter { $0.contains("the quotes are not needed") }
    check(
      row,
      quotes.isEmpty ? document : read("coreos:\n  etcd2:\n    \(row.key): \(row.value)\n    \(row.with)"),
      "f:4:"
    )
  }

  @Test(arguments: rows)
  func `every variable of the process stands above the document`(_ row: Row) {
    let name = "ETCD_" + String(row.key.uppercased().map { $0 == "-" ? "_" : $0 })
    let text = row.with.isEmpty ? "coreos: {etcd2: {}}" : "coreos:\n  etcd2:\n    \(row.with)"
    let document = read(text, environment: [name: row.value])
    check(row, document, "environment: ")
  }

  @Test func `a variable beats a drop-in, and a drop-in the section`() {
    let text = """
      coreos:
        etcd2:
          name: section
          initial-cluster-token: section
          snapshot-count: 1
        units:
          - name: etcd2.service
            command: start
            drop-ins:
              - name: 30-more.conf
                content: |
                  [Service]
                  Environment=ETCD_NAME=drop-in
                  Environment=ETCD_SNAPSHOT_COUNT=2
      """
    let etcd = read(text, environment: ["ETCD_NAME": "variable", "ETCD_SNAPSHOT_COUNT": ""]).plan?.etcd
    #expect(etcd?.name == "variable")
    #expect(etcd?.snapshotCount == 2)
    #expect(etcd?.clusterToken == "section")
  }

  @Test func `an unknown variable is named and nothing more`() {
    let environment = ["ETCD_FOO": "bar", "ETCDCTL_ENDPOINTS": "x", "PATH": "/", "ETCD_DEBUG": "1"]
    let document = read("coreos: {etcd2: {}}", environment: environment)
    #expect(
      document.report(file: "f") == [
        "environment: warning: unrecognized environment variable ETCD_FOO; it is ignored"
      ]
    )
    #expect(document.plan?.etcd?.isDebugging == true)
  }

  @Test func `a wrong variable is an error that names its setting`() {
    let document = read("coreos: {etcd2: {}}", environment: ["ETCD_HEARTBEAT_INTERVAL": "soon"])
    #expect(
      document.report(file: "f") == [
        "environment: error: coreos.etcd2.heartbeat-interval must be a whole number, not \"soon\""
      ]
    )
  }

  @Test(arguments: [
    "discovery: http://h:1/t\n    discovery-srv: example.com", "initial-cluster: a=http://a:1\n    discovery-srv: b.c",
    "addr: a:1\n    advertise-client-urls: http://b:1", "discovery-srv: http://example.com", "proxy-dial-timeout: 0",
    "proxy-failure-wait: -1", "discovery-proxy: 'h'", "proxy: on", "initial-cluster-state: existing",
  ])
  func `what contradicts itself is refused`(_ lines: String) {
    #expect(read("coreos:\n  etcd2:\n    \(lines)").hasErrors)
  }

  @Test func `names in the place of addresses are left for the boot to compare`() {
    let named =
      "name: a\n    initial-advertise-peer-urls: http://10.0.0.7:2380\n    initial-cluster: a=http://core-01:2380"
    #expect(!read("coreos:\n  etcd2:\n    \(named)").hasErrors)
    #expect(read("coreos:\n  etcd2:\n    \(named.replacing("core-01", with: "10.0.0.8"))").hasErrors)
  }
}
