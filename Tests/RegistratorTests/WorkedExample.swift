// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Testing

@testable import Registrator

/// A `docker run` line and the records it leads to, as registrator's users know them.
///
/// Source: specs/registrator.md §8. Read by the tests of the pure part and by those against a real engine.
struct WorkedExample: Sendable, CustomTestStringConvertible {
  var name: String
  var image: String
  var flags: [String] = []
  var isInternal = false
  /// As registrator without `-ip`.
  var keepsBoundAddresses = false
  /// Values by key; `<ip>` is the container's address.
  var records: [String: String]

  var testDescription: String { (["docker run"] + flags + [image]).joined(separator: " ") }

  var configuration: RegistratorConfiguration {
    RegistratorConfiguration(
      isInternal: isInternal,
      ip: "10.0.0.1",
      hostName: "core-01",
      machineID: "m1",
      keepsBoundAddresses: keepsBoundAddresses
    )
  }

  private static let web = ["-p", "8000:80", "-p", "4443:443"]

  static let all = [
    WorkedExample(
      name: "redis.0",
      image: "progrium/redis",
      flags: ["-p", "10000:6379"],
      records: ["/services/redis/core-01:redis.0:6379": "10.0.0.1:10000"]
    ),
    WorkedExample(
      name: "ng",
      image: "nginx:1.9",
      flags: web,
      records: [
        "/services/nginx-80/core-01:ng:80": "10.0.0.1:8000", "/services/nginx-443/core-01:ng:443": "10.0.0.1:4443",
      ]
    ),
    WorkedExample(
      name: "ng",
      image: "nginx:1.9",
      flags: web + ["-e", "SERVICE_NAME=web"],
      records: [
        "/services/web-80/core-01:ng:80": "10.0.0.1:8000", "/services/web-443/core-01:ng:443": "10.0.0.1:4443",
      ]
    ),
    WorkedExample(
      name: "ng",
      image: "nginx:1.9",
      flags: web + ["-e", "SERVICE_NAME=web", "-e", "SERVICE_80_NAME=www", "-e", "SERVICE_443_IGNORE=1"],
      records: ["/services/www/core-01:ng:80": "10.0.0.1:8000"]
    ),
    WorkedExample(
      name: "ng",
      image: "nginx:1.9",
      flags: web + ["-e", "SERVICE_NAME=web", "--label", "SERVICE_443_IGNORE=1"],
      records: ["/services/web-80/core-01:ng:80": "10.0.0.1:8000"]
    ),
    WorkedExample(
      name: "dns",
      image: "dns",
      flags: ["-p", "53:53/udp"],
      records: ["/services/dns/core-01:dns:53:udp": "10.0.0.1:53"]
    ),
    WorkedExample(
      name: "app",
      image: "app",
      flags: ["--net=host", "--expose", "8080"],
      records: ["/services/app/core-01:app:8080": "10.0.0.1:8080"]
    ),
    WorkedExample(
      name: "app",
      image: "app",
      flags: ["--expose", "80"],
      isInternal: true,
      records: ["/services/app/core-01:app:80": "<ip>:80"]
    ),
    WorkedExample(
      name: "app",
      image: "app",
      flags: ["-p", "8000-8001:8000-8001"],
      records: [
        "/services/app-8000/core-01:app:8000": "10.0.0.1:8000", "/services/app-8001/core-01:app:8001": "10.0.0.1:8001",
      ]
    ),
    WorkedExample(
      name: "app",
      image: "app",
      flags: ["-p", "127.0.0.1:9000:9000"],
      keepsBoundAddresses: true,
      records: ["/services/app/core-01:app:9000": "127.0.0.1:9000"]
    ),
    WorkedExample(
      name: "app",
      image: "app",
      flags: ["-p", "80:80", "-p", "81:80"],
      records: ["/services/app/core-01:app:80": "10.0.0.1:80"]
    ),
    WorkedExample(
      name: "app",
      image: "app",
      flags: ["-p", "80:80", "-e", "SERVICE_ID=x1"],
      records: ["/services/app/x1": "10.0.0.1:80"]
    ),
  ]

  /// The records with a container's address filled in.
  func records(ip: String) -> [String: String] {
    records.mapValues { $0.replacing("<ip>", with: ip) }
  }

  /// The container that the line makes, as the engine would tell of it.
  func container(ip: String) -> ContainerDetails {
    var bindings: [ContainerPort: [ContainerDetails.PublishedPort.Binding]] = [:]
    var exposed: [ContainerPort] = []
    var (environment, labels, network) = ([String](), [String: String](), "default")
    var words = flags[...]
    while let flag = words.popFirst() {
      if flag == "--net=host" {
        network = "host"
        continue
      }
      let value = words.popFirst() ?? ""
      switch flag {
      case "-p":
        for (port, binding) in Self.bindings(value) { bindings[port, default: []].append(binding) }
      case "--expose": exposed += [ContainerPort(value)].compactMap { $0 }
      case "-e": environment.append(value)
      default: labels[String(value.prefix { $0 != "=" })] = String(value.drop { $0 != "=" }.dropFirst())
      }
    }
    return ContainerDetails(
      id: ContainerID("id-" + name),
      name: name,
      image: image,
      environment: environment,
      labels: labels,
      exposedPorts: (exposed + bindings.keys).sorted(),
      publishedPorts: bindings.sorted { $0.key < $1.key }.map { .init(port: $0.key, bindings: $0.value) },
      networkMode: network,
      networks: network == "host" ? [] : [ContainerDetails.Network(name: "bridge", ip: ip)],
      containerState: ContainerState(status: .running)
    )
  }

  /// Reads `[IP:]HOST[-HOST]:PORT[-PORT][/udp]`.
  private static func bindings(_ text: String) -> [(ContainerPort, ContainerDetails.PublishedPort.Binding)] {
    let parts = text.split(separator: "/")
    let places = parts[0].split(separator: ":").map(String.init)
    func range(_ text: String) -> [UInt16] {
      let ends = text.split(separator: "-").compactMap { UInt16($0) }
      return Array(ends[0]...ends[ends.count - 1])
    }
    let host = places.count == 3 ? places[0] : "0.0.0.0"
    return zip(range(places[places.count - 1]), range(places[places.count - 2])).map { port, hostPort in
      (ContainerPort(port, parts.count == 2 ? String(parts[1]) : "tcp"), .init(hostIP: host, hostPort: hostPort))
    }
  }
}
