// SPDX-License-Identifier: Apache-2.0

/// One thing that a socket unit listens on.
///
/// Source: systemd.socket(5) `ListenStream=`, `ListenDatagram=`, `ListenSequentialPacket=`, `ListenFIFO=`.
public struct SocketListener: Sendable, Hashable, Codable, CustomStringConvertible {
  /// What passes through it.
  public enum Kind: String, Sendable, Codable {
    case stream = "Stream"
    case datagram = "Datagram"
    case sequentialPacket = "SequentialPacket"
    case fifo = "FIFO"
  }

  /// Where it is.
  public enum Address: Sendable, Hashable, Codable {
    /// A file.
    case path(String)
    /// A name without a file.
    case abstract(String)
    /// A port of an address of either family, as text.
    case ipv4(String, UInt16)
    case ipv6(String, UInt16)
    /// A port of every address of both families, where the machine has both.
    case port(UInt16)
  }

  /// The kernel takes no longer path or name for a socket, in bytes.
  public static let pathLimitBytes = 107

  /// What passes through it.
  public var kind: Kind
  /// Where it is.
  public var address: Address

  /// Makes a listener.
  public init(kind: Kind, address: Address) {
    self.kind = kind
    self.address = address
  }

  /// Reads a value of the directive for its kind, nil when it is none.
  public init?(_ text: String, kind: Kind) {
    guard let address = kind == .fifo ? Self.path(text) : Self.address(text) else { return nil }
    if case .path(let path) = address, kind != .fifo, path.utf8.count > Self.pathLimitBytes { return nil }
    let isLocal = if case .path = address { true } else if case .abstract = address { true } else { false }
    guard isLocal || kind == .stream || kind == .datagram else { return nil }
    self.init(kind: kind, address: address)
  }

  /// As `systemctl status` has it: `[::]:80 (Stream)`.
  public var description: String { "\(place) (\(kind.rawValue))" }

  /// Where it is: `[::]:80`.
  public var place: String {
    switch address {
    case .path(let path): path
    case .abstract(let name): "@\(name)"
    case .ipv4(let host, let port): "\(host):\(port)"
    case .ipv6(let host, let port): "[\(host)]:\(port)"
    case .port(let port): "[::]:\(port)"
    }
  }

  /// The file it is at; nil for none.
  public var path: String? {
    if case .path(let path) = address { path } else { nil }
  }

  // MARK: Parsing

  private static func address(_ text: String) -> Address? {
    if text.hasPrefix("/") { return path(text) }
    if text.hasPrefix("@") {
      let name = String(text.dropFirst())
      return name.isEmpty || name.utf8.count > pathLimitBytes - 1 ? nil : .abstract(name)
    }
    if let port = port(text[...]) { return .port(port) }
    guard let colon = text.lastIndex(of: ":"), let port = port(text[text.index(after: colon)...]) else { return nil }
    let host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      let inner = String(host.dropFirst().dropLast())
      return isIPv6(inner) ? .ipv6(inner, port) : nil
    }
    return isIPv4(host) ? .ipv4(String(host), port) : nil
  }

  private static func path(_ text: String) -> Address? {
    guard text.hasPrefix("/"), text.utf8.count < 4096 else { return nil }
    // As systemd does, what means the same is made the same.
    let parts = text.split(separator: "/").filter { $0 != "." }
    guard !parts.isEmpty, !parts.contains("..") else { return nil }
    return .path("/" + parts.joined(separator: "/"))
  }

  private static func port(_ text: Substring) -> UInt16? {
    guard text.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(text), port > 0 else { return nil }
    return port
  }

  private static func isIPv4(_ text: Substring) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4
      && parts.allSatisfy { part in
        (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (48...57).contains($0) } && UInt8(part) != nil
      }
  }

  private static func isIPv6(_ text: String) -> Bool {
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard (1...2).contains(halves.count) else { return false }
    var count = 0
    for (index, half) in halves.enumerated() where !half.isEmpty {
      let groups = half.split(separator: ":", omittingEmptySubsequences: false)
      for (place, group) in groups.enumerated() {
        let isLast = index == halves.count - 1 && place == groups.count - 1
        if isLast, isIPv4(group) {
          count += 2
        } else if (1...4).contains(group.utf8.count), group.allSatisfy({ $0.isASCII && $0.isHexDigit }) {
          count += 1
        } else {
          return false
        }
      }
    }
    return halves.count == 2 ? count <= 7 : count == 8
  }
}
