// SPDX-License-Identifier: Apache-2.0

/// The values of the four tokens that user-data may contain.
public struct AddressTokens: Sendable, Equatable {
  /// Value of `$public_ipv4`; nil when the machine has none.
  public var publicIPv4: String?
  /// Value of `$private_ipv4`; nil when the machine has none.
  public var privateIPv4: String?
  /// Value of `$public_ipv6`; nil when the machine has none.
  public var publicIPv6: String?
  /// Value of `$private_ipv6`; nil when the machine has none.
  public var privateIPv6: String?

  /// Makes a set of values.
  public init(
    publicIPv4: String? = nil,
    privateIPv4: String? = nil,
    publicIPv6: String? = nil,
    privateIPv6: String? = nil
  ) {
    self.publicIPv4 = publicIPv4
    self.privateIPv4 = privateIPv4
    self.publicIPv6 = publicIPv6
    self.privateIPv6 = privateIPv6
  }

  /// The values by the names that stand in user-data behind a dollar sign.
  public static let fields: [(name: String, value: any WritableKeyPath<AddressTokens, String?> & Sendable)] = [
    ("public_ipv4", \.publicIPv4), ("private_ipv4", \.privateIPv4), ("public_ipv6", \.publicIPv6),
    ("private_ipv6", \.privateIPv6),
  ]

  /// The values that are there, by their names.
  public var known: [(name: String, value: String)] {
    Self.fields.compactMap { field in self[keyPath: field.value].map { (field.name, $0) } }
  }

  /// Addresses of the documentation blocks (RFC 5737, RFC 3849), to check a document away from its machine.
  public static let placeholders = AddressTokens(
    publicIPv4: "192.0.2.1",
    privateIPv4: "192.0.2.2",
    publicIPv6: "2001:db8::1",
    privateIPv6: "2001:db8::2"
  )
}

/// What the systemd specifiers in values of `coreos.etcd2` and `coreos.fleet` stand for.
public struct MachineSpecifiers: Sendable, Equatable {
  /// `%H`.
  public var hostname: String
  /// `%m`: 32 lower-case hex digits.
  public var machineID: String
  /// `%b`.
  public var bootID: String
  /// `%v`.
  public var kernelRelease: String

  /// Makes a set of values.
  public init(hostname: String, machineID: String, bootID: String = "", kernelRelease: String = "") {
    self.hostname = hostname
    self.machineID = machineID
    self.bootID = bootID
    self.kernelRelease = kernelRelease
  }

  /// Values to check a document with away from its machine.
  public static let placeholders = MachineSpecifiers(
    hostname: "localhost",
    machineID: "00000000000000000000000000000000",
    bootID: "00000000000000000000000000000000",
    kernelRelease: "0"
  )
}
