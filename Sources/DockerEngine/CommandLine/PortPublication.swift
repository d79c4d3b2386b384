// SPDX-License-Identifier: Apache-2.0

/// What one `-p` or `--expose` stands for.
///
/// Shape: `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTOCOL]`, or `published=…,target=…,protocol=…`. Ranges of equal
/// length pair up; a range of host ports before one container port leaves the choice to the engine.
struct PortPublication: Equatable {
  /// One container port with where it is published.
  struct Binding: Equatable {
    /// `80/tcp`.
    var containerPort: String
    var hostIP: String
    /// A port, a range, or empty for one that the engine chooses.
    var hostPort: String
  }

  var bindings: [Binding]

  private static let expected = "[ip:][hostPort:]containerPort[/tcp|udp|sctp]"

  /// Understands a `-p`.
  init(_ flag: FoundFlag) throws(DockerCommandLineError) {
    let text = flag.value.contains("=") ? try Self.shortForm(of: flag) : flag.value
    let failure = DockerCommandLineError.badValue(flag.value, flag: "--" + flag.name, expected: Self.expected)
    var rest = Substring(text)
    var hostIP = ""
    if rest.hasPrefix("[") {
      guard let close = rest.firstIndex(of: "]") else { throw failure }
      hostIP = String(rest[rest.index(after: rest.startIndex)..<close])
      rest = rest[rest.index(after: close)...]
      guard rest.first == ":" else { throw failure }
      rest = rest.dropFirst()
    }
    var parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    let (containerPorts, transport) = try Self.ports(parts.removeLast(), flag)
    let hostText = parts.popLast() ?? ""
    if let address = parts.popLast() {
      guard hostIP.isEmpty else { throw failure }
      hostIP = String(address)
    }
    guard parts.isEmpty else { throw failure }
    if hostText.isEmpty {
      bindings = containerPorts.map { Binding(containerPort: "\($0)/\(transport)", hostIP: hostIP, hostPort: "") }
      return
    }
    guard let hostPorts = Self.range(hostText) else { throw failure }
    if hostPorts.count == containerPorts.count {
      bindings = zip(containerPorts, hostPorts).map {
        Binding(containerPort: "\($0)/\(transport)", hostIP: hostIP, hostPort: String($1))
      }
    } else if containerPorts.count == 1, let port = containerPorts.first {
      bindings = [Binding(containerPort: "\(port)/\(transport)", hostIP: hostIP, hostPort: String(hostText))]
    } else {
      throw .badValue(flag.value, flag: "--" + flag.name, expected: "port ranges of the same length")
    }
  }

  /// The container ports of an `--expose`.
  static func exposedPorts(_ flag: FoundFlag) throws(DockerCommandLineError) -> [String] {
    let (ports, transport) = try ports(Substring(flag.value), flag)
    return ports.map { "\($0)/\(transport)" }
  }

  private static func ports(
    _ text: Substring,
    _ flag: FoundFlag
  ) throws(DockerCommandLineError) -> (ClosedRange<UInt16>, String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
    guard let range = range(parts[0]), ["tcp", "udp", "sctp"].contains(transport) else {
      throw .badValue(flag.value, flag: "--" + flag.name, expected: expected)
    }
    return (range, transport)
  }

  private static func range(_ text: Substring) -> ClosedRange<UInt16>? {
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let low = UInt16(ends[0]), let high = UInt16(ends[ends.count - 1]), low <= high else { return nil }
    return low...high
  }

  private static func shortForm(of flag: FoundFlag) throws(DockerCommandLineError) -> String {
    var published = ""
    var target = ""
    var transport = "tcp"
    for field in try flag.commaSeparatedFields() {
      let (key, value) = FoundFlag(name: flag.name, value: field).pair()
      switch key {
      case "published": published = value
      case "target": target = value
      case "protocol": transport = value
      default: throw .badValue(flag.value, flag: "--" + flag.name, expected: "published, target and protocol only")
      }
    }
    return "\(published):\(target)/\(transport)"
  }
}
