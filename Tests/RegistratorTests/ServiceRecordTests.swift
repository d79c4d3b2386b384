// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Testing

@testable import Registrator

/// Specs: registrator.md §3, §4 and the worked examples of §8.
@Suite struct ServiceRecordTests {
  static let configuration = RegistratorConfiguration(ip: "10.0.0.1", hostName: "core-01", machineID: "m1")
  static let `internal` = RegistratorConfiguration(
    isInternal: true,
    ip: "10.0.0.1",
    hostName: "core-01",
    machineID: "m1"
  )

  /// `80`, `8000>80`, `53>53/udp`, `127.0.0.1:9000>9000`, several bindings `80,[::]:81>80`.
  static func container(
    _ name: String,
    image: String,
    ports: [String] = [],
    exposed: [String] = [],
    service: [String] = [],
    labels: [String: String] = [:],
    network: String = "default",
    ip: String = "172.17.0.5",
    state: ContainerState = ContainerState(status: .running)
  ) throws -> ContainerDetails {
    let published = try ports.map { text -> ContainerDetails.PublishedPort in
      let parts = text.split(separator: ">").map(String.init)
      let port = try #require(ContainerPort(parts[parts.count - 1]))
      let bindings = (parts.count == 1 ? "" : parts[0]).split(separator: ",").map { binding in
        let colon = binding.lastIndex(of: ":")
        return ContainerDetails.PublishedPort.Binding(
          hostIP: colon.map { binding[..<$0].filter { !"[]".contains($0) } } ?? "0.0.0.0",
          hostPort: UInt16(binding[(colon.map(binding.index(after:)) ?? binding.startIndex)...]) ?? 0
        )
      }
      return ContainerDetails.PublishedPort(port: port, bindings: bindings)
    }
    return ContainerDetails(
      id: ContainerID("id-" + name),
      name: name,
      image: image,
      environment: service.map { "SERVICE_" + $0 },
      labels: labels,
      exposedPorts: (exposed.compactMap { ContainerPort($0) } + published.map(\.port)).sorted(),
      publishedPorts: published,
      networkMode: network,
      networks: ip.isEmpty ? [] : [ContainerDetails.Network(name: network == "default" ? "bridge" : network, ip: ip)],
      containerState: state
    )
  }

  func values(
    _ containers: ContainerDetails...,
    configuration: RegistratorConfiguration = configuration
  ) -> [String: String] {
    ServiceRecords(configuration: configuration, containers: containers).values()
  }

  @Test func `one published port`() throws {
    let redis = try Self.container("redis.0", image: "progrium/redis", ports: ["10000>6379"])
    #expect(values(redis) == ["/services/redis/core-01:redis.0:6379": "10.0.0.1:10000"])
  }

  @Test func `two published ports make a group`() throws {
    let nginx = try Self.container("ng", image: "nginx:1.9", ports: ["8000>80", "4443>443"])
    #expect(
      values(nginx) == [
        "/services/nginx-80/core-01:ng:80": "10.0.0.1:8000", "/services/nginx-443/core-01:ng:443": "10.0.0.1:4443",
      ]
    )
  }

  @Test func `a given name keeps the suffix of its group`() throws {
    let nginx = try Self.container("ng", image: "nginx:1.9", ports: ["8000>80", "4443>443"], service: ["NAME=web"])
    #expect(values(nginx).keys.sorted() == ["/services/web-443/core-01:ng:443", "/services/web-80/core-01:ng:80"])
  }

  @Test func `a name for one port has no suffix`() throws {
    let nginx = try Self.container(
      "ng",
      image: "nginx:1.9",
      ports: ["8000>80", "4443>443"],
      service: ["NAME=web", "80_NAME=www", "443_IGNORE=1"]
    )
    #expect(values(nginx) == ["/services/www/core-01:ng:80": "10.0.0.1:8000"])
  }

  @Test func `an ignored port makes a group all the same`() throws {
    let nginx = try Self.container(
      "ng",
      image: "nginx:1.9",
      ports: ["8000>80", "4443>443"],
      service: ["NAME=web", "443_IGNORE=1"]
    )
    #expect(values(nginx) == ["/services/web-80/core-01:ng:80": "10.0.0.1:8000"])
  }

  @Test func `udp shows in the id and as a tag`() throws {
    let dns = try Self.container("d", image: "dns", ports: ["53>53/udp"])
    #expect(values(dns) == ["/services/dns/core-01:d:53:udp": "10.0.0.1:53"])
    #expect(ServiceRecords(configuration: Self.configuration, containers: [dns]).records(of: dns)[0].tags == ["udp"])
  }

  @Test func `on the machine's network what the image exposes is announced`() throws {
    let app = try Self.container("app", image: "app", exposed: ["8080"], network: "host", ip: "")
    #expect(values(app) == ["/services/app/core-01:app:8080": "10.0.0.1:8080"])
    // With -internal upstream's address is empty here.
    #expect(values(app, configuration: Self.internal) == ["/services/app/core-01:app:8080": "10.0.0.1:8080"])
  }

  @Test func `a container on the machine's network may name its ports`() throws {
    let app = try Self.container("app", image: "app", service: ["PORTS=8080, 9000/udp"], network: "host", ip: "")
    #expect(
      values(app) == [
        "/services/app-8080/core-01:app:8080": "10.0.0.1:8080",
        "/services/app-9000/core-01:app:9000:udp": "10.0.0.1:9000",
      ]
    )
  }

  @Test func `internal announces the container's address and port`() throws {
    let app = try Self.container("app", image: "app", ports: ["80"])
    #expect(values(app, configuration: Self.internal) == ["/services/app/core-01:app:80": "172.17.0.5:80"])
    #expect(values(app).isEmpty)
    let mapped = try Self.container("app", image: "app", ports: ["8000>80"])
    #expect(values(mapped, configuration: Self.internal) == ["/services/app/core-01:app:80": "172.17.0.5:80"])
  }

  @Test func `exposed is not published`() throws {
    let app = try Self.container("app", image: "app", exposed: ["80"])
    #expect(values(app).isEmpty)
  }

  @Test func `a range of ports is a record each`() throws {
    let app = try Self.container("a", image: "app", ports: ["8000>8000", "8001>8001"])
    #expect(values(app).keys.sorted() == ["/services/app-8000/core-01:a:8000", "/services/app-8001/core-01:a:8001"])
  }

  @Test func `a bound address is kept unless an address is forced`() throws {
    let app = try Self.container("a", image: "app", ports: ["127.0.0.1:9000>9000"])
    var keeping = Self.configuration
    keeping.keepsBoundAddresses = true
    #expect(values(app, configuration: keeping) == ["/services/app/core-01:a:9000": "127.0.0.1:9000"])
    #expect(values(app) == ["/services/app/core-01:a:9000": "10.0.0.1:9000"])
    let open = try Self.container("a", image: "app", ports: ["9000>9000"])
    #expect(values(open, configuration: keeping) == ["/services/app/core-01:a:9000": "10.0.0.1:9000"])
  }

  @Test(arguments: ["80,81>80", "81,80>80"])
  func `only the lowest binding of a port counts, in whatever order the engine tells them`(ports: String) throws {
    let app = try Self.container("a", image: "app", ports: [ports])
    #expect(values(app) == ["/services/app/core-01:a:80": "10.0.0.1:80"])
  }

  @Test(arguments: ["82,[::]:81>80", "[::]:81,82>80"])
  func `a binding of the announced address's family counts, for engines bind other ports for IPv6`(ports: String) throws
  {
    let app = try Self.container("a", image: "app", ports: [ports])
    #expect(values(app) == ["/services/app/core-01:a:80": "10.0.0.1:82"])
    var version6 = Self.configuration
    version6.ip = "2001:db8::1"
    #expect(values(app, configuration: version6).values.map { $0.hasSuffix(":81") } == [true])
    let only = try Self.container("a", image: "app", ports: ["[::]:81>80"])
    #expect(values(only) == ["/services/app/core-01:a:80": "10.0.0.1:81"])
  }

  @Test func `a given id replaces the whole id`() throws {
    let app = try Self.container("a", image: "app", ports: ["80>80"], service: ["ID=x1"])
    #expect(values(app) == ["/services/app/x1": "10.0.0.1:80"])
    let ofPort = try Self.container("a", image: "app", ports: ["80>80"], service: ["ID=x1", "80_ID=x2"])
    #expect(values(ofPort) == ["/services/app/x2": "10.0.0.1:80"])
  }

  @Test(arguments: [
    ("reg:5000/a/web:1.2", "web"), ("web@sha256:abc", "web"), ("library/haproxy:1.5", "haproxy"), ("app", "app"),
  ])
  func `the default name is the image's last element`(image: String, name: String) {
    #expect(ServiceRecords.defaultName(ofImage: image) == name)
  }

  @Test func `a container of another machine on a shared engine is left to that machine`() throws {
    let labels = { [ContainerLabel.machine: $0, ContainerLabel.unit: "web.service"] }
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"], labels: labels("m2"))).isEmpty)
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"], labels: labels("m1"))).count == 1)
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"])).count == 1, "nobody's unit")
  }

  @Test func `labels beat variables, and what is for one port beats both`() throws {
    let app = try Self.container(
      "a",
      image: "app",
      ports: ["80>80"],
      service: ["NAME=env", "80_REGION=port"],
      labels: ["SERVICE_NAME": "label", "SERVICE_REGION": "plain", "SERVICE_443_REGION": "other", "unrelated": "x"]
    )
    let record = ServiceRecords(configuration: Self.configuration, containers: [app]).records(of: app)[0]
    #expect(record.name == "label")
    #expect(record.attributes == ["region": "port"])
  }

  @Test func `any value ignores, none does not`() throws {
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"], service: ["IGNORE=0"])).isEmpty)
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"], service: ["IGNORE="])).count == 1)
  }

  @Test(arguments: [
    (",,,,foo,,,bar,,,", ["foo", "bar"]), (#"foo,bar\,baz"#, ["foo", "bar,baz"]), ("", []), (#"a\b"#, [#"a\b"#]),
  ])
  func `tags are separated by commas`(text: String, tags: [String]) throws {
    let app = try Self.container("a", image: "app", service: ["TAGS=" + text])
    #expect(ServiceMetadata(of: app, port: 80).tags == tags)
  }

  @Test func `a container on another's network has the other's address`() throws {
    let pod = try Self.container("pod", image: "pause", ip: "172.17.0.9")
    let app = try Self.container("a", image: "app", exposed: ["80"], network: "container:id-pod", ip: "")
    #expect(values(pod, app) == ["/services/app/core-01:a:80": "172.17.0.9:80"])
  }

  @Test func `what does not run, is not healthy or has no network has no record`() throws {
    for state in [
      ContainerState(status: .exited), ContainerState(status: .created),
      ContainerState(status: .running, health: .starting), ContainerState(status: .running, health: .unhealthy),
    ] {
      #expect(try values(Self.container("a", image: "app", ports: ["80>80"], state: state)).isEmpty, "\(state)")
    }
    let healthy = ContainerState(status: .running, health: .healthy)
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"], state: healthy)).count == 1)
    #expect(
      try values(Self.container("a", image: "app", exposed: ["80"], network: "none"), configuration: Self.internal)
        .isEmpty
    )
  }

  @Test func `IPv6 addresses stand in brackets, and names cannot leave the prefix`() throws {
    var configuration = Self.configuration
    configuration.ip = "fd00::1"
    let app = try Self.container("a", image: "app", ports: ["80>80"], service: ["NAME=../x/./y"])
    #expect(values(app, configuration: configuration) == ["/services/x/y/core-01:a:80": "[fd00::1]:80"])
    #expect(try values(Self.container("a", image: "app", ports: ["80>80"], service: ["NAME=.."])).isEmpty)
  }

  @Test func `a ledger is read back as it was written`() {
    let ledger = OwnershipLedger(["/services/a b/x:1": "[::1]:80", "/services/b/y": "1.2.3.4:5"])
    #expect(ledger.text == "/services/a b/x:1\t[::1]:80\n/services/b/y\t1.2.3.4:5")
    #expect(OwnershipLedger(parsing: ledger.text) == ledger)
    #expect(OwnershipLedger(parsing: "rubbish\n\n/nothing").values.isEmpty)
    let earlier = OwnershipLedger(parsing: "/services/a b/x:1 [::1]:80")
    #expect(earlier.values == ["/services/a b/x:1": "[::1]:80"], "as earlier versions wrote it")
  }
}
