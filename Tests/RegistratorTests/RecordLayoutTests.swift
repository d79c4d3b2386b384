// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Testing
import Units

@testable import Registrator

/// Formats and options.
///
/// Specs: registrator.md §2, §5, §9.
@Suite struct RecordLayoutTests {
  private func values(
    _ format: RegistratorConfiguration.Format,
    prefix: String? = nil,
    ports: [String] = ["8000>80"],
    service: [String] = [],
    labels: [String: String] = [:],
    _ change: (inout RegistratorConfiguration) -> Void = { _ in }
  ) throws -> [String: String] {
    var configuration = ServiceRecordTests.configuration
    configuration.format = format
    configuration.prefix = prefix ?? format.defaultPrefix
    configuration.domain = "my.domain"
    change(&configuration)
    let container = try ServiceRecordTests.container(
      "web",
      image: "nginx",
      ports: ports,
      service: service,
      labels: labels,
      state: ContainerState(status: .running, health: .healthy)
    )
    return ServiceRecords(configuration: configuration, containers: [container]).values()
  }

  @Test(arguments: WorkedExample.all)
  func `a worked example leads to its records`(example: WorkedExample) {
    let container = example.container(ip: "172.17.0.5")
    let records = ServiceRecords(configuration: example.configuration, containers: [container])
    #expect(records.values() == example.records(ip: "172.17.0.5"))
  }

  @Test func `etcd has address and port`() throws {
    #expect(try values(.etcd, prefix: "/dev") == ["/dev/nginx/core-01:web:80": "10.0.0.1:8000"])
  }

  @Test func `skydns2 has the domain turned round and JSON without blanks`() throws {
    #expect(
      try values(.skydns2, service: ["ID=web1"])
        == ["/skydns/domain/my/nginx/web1": #"{"host":"10.0.0.1","port":8000}"#]
    )
  }

  @Test func `vulcand has servers below backends, one name each, and no UDP`() throws {
    #expect(
      try values(.vulcand, ports: ["8000>80", "53>53/udp"], service: ["80_NAME=shop/web"])
        == ["/vulcand/backends/shop-web/servers/core-01:web:80": #"{"URL":"http://10.0.0.1:8000"}"#]
    )
    var configuration = ServiceRecordTests.configuration
    (configuration.format, configuration.prefix) = (.vulcand, "/vulcand")
    let shared = RecordLayout(configuration: configuration).sharedRecord(beside: "/vulcand/backends/a/servers/b")
    #expect(shared?.key == "/vulcand/backends/a/backend" && shared?.value == #"{"Type":"http"}"#)
    #expect(RecordLayout(configuration: configuration).sharedRecord(beside: "/vulcand/frontends/a/servers/b") == nil)
  }

  @Test func `json has a side record with all that etcd's has no place for`() throws {
    let labels = [ContainerLabel.machine: "m1", ContainerLabel.unit: "web.service"]
    let values = try values(.json, service: ["TAGS=a b,c", "REGION=eu"], labels: labels)
    #expect(values["/services/nginx/core-01:web:80"] == "10.0.0.1:8000")
    let side =
      #"{"id":"core-01:web:80","name":"nginx","ip":"10.0.0.1","port":8000,"transport":"tcp","tags":["a b","c"],"#
      + #""attributes":{"region":"eu"},"health":"healthy","unit":"web.service","container":"id-web","machine":"m1"}"#
    #expect(values["/services-meta/nginx/core-01:web:80"] == side)
    let ledger = OwnershipLedger(values)
    #expect(OwnershipLedger(parsing: ledger.text) == ledger, "blanks in values are no end of a key")
  }

  @Test func `explicit wants a name`() throws {
    #expect(try values(.etcd) { $0.isExplicit = true }.isEmpty)
    #expect(try values(.etcd, service: ["NAME=x"]) { $0.isExplicit = true }.count == 1)
    #expect(try values(.etcd, service: ["80_NAME=x"]) { $0.isExplicit = true }.count == 1)
  }

  @Test func `tags of the machine come after those of the service, udp last`() throws {
    var configuration = ServiceRecordTests.configuration
    configuration.tags = ["eu", "blue"]
    let dns = try ServiceRecordTests.container("d", image: "dns", ports: ["53>53/udp"], service: ["TAGS=a"])
    #expect(
      ServiceRecords(configuration: configuration, containers: [dns]).records(of: dns)[0].tags
        == ["a", "eu", "blue", "udp"]
    )
  }

  @Test func `an address from a label is taken without the network's size`() throws {
    for (label, expected) in [("10.1.2.3/24", "10.1.2.3:8000"), ("10.1.2.3", "10.1.2.3:8000"), ("", "10.0.0.1:8000")] {
      #expect(
        try values(.etcd, labels: ["ip": label]) { $0.ipLabel = "ip" } == ["/services/nginx/core-01:web:80": expected]
      )
    }
    #expect(try values(.etcd) { $0.ipLabel = "ip" }.values.first == "10.0.0.1:8000", "no label, the usual address")
  }

  @Test func `an address is never empty`() throws {
    for network in ["host", "container:gone", "mine"] {
      let app = try ServiceRecordTests.container("a", image: "app", exposed: ["80"], network: network, ip: "")
      #expect(
        ServiceRecords(configuration: ServiceRecordTests.internal, containers: [app]).values()
          == ["/services/app/core-01:a:80": "10.0.0.1:80"],
        "#434 #474: \(network)"
      )
    }
  }

  @Test func `an unhealthy container has a record where that is wanted`() throws {
    var configuration = ServiceRecordTests.configuration
    configuration.wantsHealthy = false
    let state = ContainerState(status: .running, health: .unhealthy)
    let app = try ServiceRecordTests.container("a", image: "app", ports: ["80>80"], state: state)
    #expect(ServiceRecords(configuration: configuration, containers: [app]).values().count == 1)
  }

  @Test func `what a unit announces has the unit's name in its id`() throws {
    let records = ServiceRecords(configuration: ServiceRecordTests.configuration, containers: [])
    let web = records.record(of: try ServiceAnnouncement(parsing: "web:8080 tags=a"), unit: "web@1.service")
    #expect(web.key(below: "/services") == "/services/web/core-01:web@1:8080")
    #expect(web.address == "10.0.0.1:8080")
    let dns = records.record(of: try ServiceAnnouncement(parsing: "dns:53/udp id=x"), unit: "dns.service")
    #expect(dns.key(below: "/services") == "/services/dns/x")
    #expect(dns.tags == ["udp"])
  }

  @Test func `keys hold nothing that would break a ledger`() {
    let record = ServiceRecord(id: "a\tb", name: "x\ny/../z", ip: "10.0.0.1", port: 1)
    #expect(record.key(below: "/services") == "/services/xy/z/ab")
  }

  @Test func `leftovers carry the host's name in an id of the usual shape and have no owner`() {
    let leftovers = Leftovers(hostName: "core-01", owned: ["/services/b/core-01:mine:80"])
    #expect(
      leftovers.keys(among: [
        "/services/a/core-01:web.1:80", "/services/a/core-01:web.1:53:udp", "/services/b/core-01:mine:80",
        "/services/c/core-02:web:80", "/services/d/custom", "/services/e/core-01:x:80", "/services/f/core-01:web:port",
      ]) == ["/services/a/core-01:web.1:53:udp", "/services/a/core-01:web.1:80"]
    )
    #expect(Leftovers.host(ofID: "a:b:web:80") == "a:b")
  }

  @Test func `an audit tells what is missing, wrong and dangling`() throws {
    let web = try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])
    let unit = RegistrableUnit(
      name: "api.service",
      isUp: true,
      isDown: false,
      announcements: [try ServiceAnnouncement(parsing: "api:81")]
    )
    let audit = RecordAudit(machines: [(ServiceRecordTests.configuration, [web], [unit])])
    #expect(audit.differences(from: audit.expected).isEmpty)
    #expect(
      audit.differences(from: ["/services/nginx/core-01:web:80": "10.0.0.1:1", "/services/old/x": "10.0.0.1:2"]) == [
        .missing(key: "/services/api/core-01:api:81", value: "10.0.0.1:81"),
        .wrong(key: "/services/nginx/core-01:web:80", value: "10.0.0.1:1", expected: "10.0.0.1:8000"),
        .dangling(key: "/services/old/x", value: "10.0.0.1:2"),
      ]
    )
  }
}

extension RegistratorConfiguration.Format {
  /// Where the cloud-config puts records unless it says otherwise.
  fileprivate var defaultPrefix: String {
    switch self {
    case .etcd, .json: "/services"
    case .skydns2: "/skydns"
    case .vulcand: "/vulcand"
    }
  }
}
