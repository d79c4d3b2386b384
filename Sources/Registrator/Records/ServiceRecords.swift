// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Units

/// Which records the running containers and announcing units of a machine should have.
///
/// Source: registrator, `bridge/bridge.go` and `bridge/util.go`; specs/registrator.md §3.
struct ServiceRecords {
  var configuration: RegistratorConfiguration
  /// The containers that run.
  var containers: [ContainerDetails]

  /// A port that may be announced.
  private struct EligiblePort {
    var port: ContainerPort
    var hostIP: String
    /// The machine's port; nil when it is not published.
    var hostPort: UInt16?
  }

  /// Values by key, in the order of the containers; of equal keys the last counts.
  func values() -> [String: String] {
    let layout = RecordLayout(configuration: configuration)
    var values: [String: String] = [:]
    for container in containers {
      for record in records(of: container) { values.merge(layout.values(of: record)) { _, new in new } }
    }
    return values
  }

  /// The record of a service that a unit announces; whether it is up is not looked at.
  func record(of announcement: ServiceAnnouncement, unit: String) -> ServiceRecord {
    let isUDP = announcement.transport == "udp"
    let name = unit.hasSuffix(".service") ? String(unit.dropLast(".service".count)) : unit
    let defaultID = "\(configuration.hostName):\(name):\(announcement.port)" + (isUDP ? ":udp" : "")
    return ServiceRecord(
      id: announcement.id ?? defaultID,
      name: announcement.name,
      ip: configuration.ip,
      port: announcement.port,
      transport: announcement.transport,
      tags: announcement.tags + configuration.tags + (isUDP ? ["udp"] : []),
      attributes: announcement.attributes,
      health: announcement.check == nil ? nil : ContainerHealth.healthy.rawValue,
      unit: unit
    )
  }

  /// The records of one container, in order of port.
  ///
  /// Differs: a container that is paused or whose health check has not passed has none, one without network (`--net=none`)
  /// neither, nor one that a unit of another machine made on an engine that both use.
  func records(of container: ContainerDetails) -> [ServiceRecord] {
    guard container.containerState.status == .running, container.networkMode != "none" else { return [] }
    if let owner = container.labels[ContainerLabel.machine], owner != configuration.machineID { return [] }
    switch container.containerState.health {
    case .starting, .unhealthy: if configuration.wantsHealthy { return [] }
    case .healthy, nil: break
    }
    let ports = eligiblePorts(of: container)
    return ports.compactMap { record(of: container, port: $0, isGroup: ports.count > 1) }
  }

  /// Ports that count, those that are ignored later included: they make a group all the same.
  private func eligiblePorts(of container: ContainerDetails) -> [EligiblePort] {
    let sharesOtherNetwork = container.networkMode == "host" || container.networkMode.hasPrefix("container:")
    var ports: [ContainerPort: EligiblePort] = [:]
    for port in container.exposedPorts + (sharesOtherNetwork ? hintedPorts(of: container) : []) {
      ports[port] = EligiblePort(port: port, hostIP: "", hostPort: sharesOtherNetwork ? port.number : nil)
    }
    for published in container.publishedPorts {
      let binding = binding(of: published)
      ports[published.port] = EligiblePort(
        port: published.port,
        hostIP: binding?.hostIP ?? "",
        hostPort: binding?.hostPort
      )
    }
    return ports.values
      .filter { configuration.isInternal || $0.hostPort != nil }
      .sorted { $0.port < $1.port }
  }

  /// The binding of a port that counts.
  ///
  /// An engine may bind another port for IPv6 than for IPv4, so it is one of the family of the machine's address where
  /// there is one. Engines tell bindings in any order, another each time: the lowest port is always the same one.
  private func binding(of published: ContainerDetails.PublishedPort) -> ContainerDetails.PublishedPort.Binding? {
    let isVersion6 = configuration.ip.contains(":")
    let ofFamily = published.bindings.filter { $0.hostIP.isEmpty || $0.hostIP.contains(":") == isVersion6 }
    return (ofFamily.isEmpty ? published.bindings : ofFamily)
      .min { ($0.hostPort, $0.hostIP) < ($1.hostPort, $1.hostIP) }
  }

  /// Ports of a container on the machine's own network that its image does not declare: `SERVICE_PORTS=8080,9000/udp`.
  private func hintedPorts(of container: ContainerDetails) -> [ContainerPort] {
    let hint = ServiceMetadata(of: container, port: 0)["ports"] ?? ""
    return hint.split(separator: ",").compactMap { ContainerPort(String($0.filter { !$0.isWhitespace })) }
  }

  private func record(of container: ContainerDetails, port: EligiblePort, isGroup: Bool) -> ServiceRecord? {
    let metadata = ServiceMetadata(of: container, port: port.port.number)
    guard !metadata.isIgnored else { return nil }
    let givenName = metadata["name"].flatMap { $0.isEmpty ? nil : $0 }
    guard givenName != nil || !configuration.isExplicit else { return nil }
    var name = givenName ?? Self.defaultName(ofImage: container.image)
    if isGroup, !metadata.isOfPort("name") { name += "-\(port.port.number)" }
    let isUDP = port.port.transport == "udp"
    let defaultID = "\(configuration.hostName):\(container.name):\(port.port.number)" + (isUDP ? ":udp" : "")
    return ServiceRecord(
      id: metadata["id"].flatMap { $0.isEmpty ? nil : $0 } ?? defaultID,
      name: name,
      ip: address(of: container, port: port),
      port: configuration.isInternal ? port.port.number : port.hostPort ?? port.port.number,
      transport: port.port.transport,
      tags: metadata.tags + configuration.tags(of: container) + (isUDP ? ["udp"] : []),
      attributes: metadata.attributes,
      health: container.containerState.health?.rawValue,
      unit: container.labels[ContainerLabel.unit],
      container: container.id.rawValue
    )
  }

  /// The image's last path element without tag and digest.
  static func defaultName(ofImage image: String) -> String {
    let base = image.split(separator: "/").last ?? ""
    return String(base.prefix { $0 != ":" && $0 != "@" })
  }

  /// The address to announce.
  ///
  /// Differs: a published port of a container on a network of its own is announced with the machine's address, where
  /// the port is, not with the container's; and an address that would be empty is the machine's.
  private func address(of container: ContainerDetails, port: EligiblePort) -> String {
    let found: String
    if container.networkMode.hasPrefix("container:") {
      found = containerAddress(of: networkOwner(of: container))
    } else if let label = configuration.ipLabel, let address = container.labels[label], !address.isEmpty {
      // As `--ip` and addresses of overlay networks are noted, with or without the size of the network.
      found = String(address.prefix { $0 != "/" })
    } else if configuration.isInternal {
      found = containerAddress(of: container)
    } else if configuration.keepsBoundAddresses, !["", "0.0.0.0", "::"].contains(port.hostIP) {
      found = port.hostIP
    } else {
      found = configuration.ip
    }
    return found.isEmpty ? configuration.ip : found
  }

  private func containerAddress(of container: ContainerDetails?) -> String {
    guard let networks = container?.networks else { return "" }
    let addresses = networks.sorted { left, right in
      // The default network first, as engines used to name one address only.
      (left.name == "bridge" ? 0 : 1, left.name) < (right.name == "bridge" ? 0 : 1, right.name)
    }
    return addresses.first { !$0.ip.isEmpty }?.ip ?? ""
  }

  private func networkOwner(of container: ContainerDetails) -> ContainerDetails? {
    let owner = String(container.networkMode.dropFirst("container:".count))
    return containers.first { $0.id.rawValue == owner || $0.name == owner }
  }
}
