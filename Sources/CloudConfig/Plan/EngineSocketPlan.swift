// SPDX-License-Identifier: Apache-2.0
public import Units

/// Where the node makes the Docker Engine's socket reachable: a socket of the document that has `Service=docker.service`.
///
/// Shape: there is at least one place, and no place twice.
public struct EngineSocketPlan: Sendable, Equatable {
  /// One thing to listen on.
  public struct Place: Sendable, Equatable {
    /// What it is; a port has an address.
    public var listener: SocketListener
    /// Whether nothing is lost when the machine has no such addresses.
    public var isOptional: Bool

    /// Makes a place.
    public init(_ listener: SocketListener, isOptional: Bool = false) {
      self.listener = listener
      self.isOptional = isOptional
    }

    /// Whether others than this machine may come there.
    public var isOpen: Bool {
      switch listener.address {
      case .path, .abstract: false
      case .port: true
      case .ipv4(let host, _): !host.hasPrefix("127.")
      case .ipv6(let host, _): !Self.isLoopback(host)
      }
    }

    /// `::1` in any spelling, and what stands for an address of IPv4 on loopback.
    private static func isLoopback(_ host: String) -> Bool {
      if host.contains(".") { return host.lowercased().hasPrefix("::ffff:127.") }
      let groups = host.split(separator: ":").map { UInt16($0, radix: 16) }
      return !host.hasSuffix("::") && groups.last == 1 && groups.dropLast().allSatisfy { $0 == 0 }
    }
  }

  /// The unit's name.
  public var unit: String
  /// What is listened on, in the order of the unit.
  public var places: [Place]
  /// How sockets are made.
  public var settings: SocketDefinition.Settings
  /// Whom files of sockets belong to; nil for the node's user.
  public var user: String?
  /// The group of files of sockets; nil for the node's.
  public var group: String?

  /// Makes a plan.
  public init(
    unit: String,
    places: [Place],
    settings: SocketDefinition.Settings = SocketDefinition.Settings(),
    user: String? = nil,
    group: String? = nil
  ) {
    self.unit = unit
    self.places = places
    self.settings = settings
    self.user = user
    self.group = group
  }

  /// Where a listener of the unit listens: a port without an address is on loopback alone.
  ///
  /// Differs: systemd listens on all addresses. The engine's socket makes whoever reaches it root.
  static func places(for listener: SocketListener, _ binding: SocketDefinition.IPv6Binding) -> [Place] {
    guard case .port(let port) = listener.address else { return [Place(listener)] }
    let four = SocketListener(kind: listener.kind, address: .ipv4("127.0.0.1", port))
    let six = SocketListener(kind: listener.kind, address: .ipv6("::1", port))
    return binding == .ipv6Only ? [Place(six)] : [Place(four), Place(six, isOptional: true)]
  }
}
