// SPDX-License-Identifier: Apache-2.0

/// How running containers are announced in the store.
public struct RegistratorConfiguration: Sendable, Equatable {
  /// Directory the service records live under, without trailing slash.
  public var prefix: String
  /// Whether container addresses and ports are announced instead of the machine's.
  public var isInternal: Bool
  /// The machine's address that is announced for published ports.
  public var ip: String
  /// Time to live of each record, in seconds, refreshed at a third of it; 0 keeps records until they are removed.
  public var ttlSeconds: UInt64
  /// First part of each record's id, as `<hostName>:<container>:<port>`.
  public var hostName: String
  /// The machine that owns the records.
  public var machineID: String
  /// Whether a port published on one address of the machine only is announced with that address instead of ``ip``.
  ///
  /// True stands for registrator without `-ip`, false for `-ip`.
  public var keepsBoundAddresses: Bool

  /// Makes a configuration.
  public init(
    prefix: String = "/services",
    isInternal: Bool = false,
    ip: String,
    ttlSeconds: UInt64 = 60,
    hostName: String,
    machineID: String,
    keepsBoundAddresses: Bool = false
  ) {
    self.prefix = prefix
    self.isInternal = isInternal
    self.ip = ip
    self.ttlSeconds = ttlSeconds
    self.hostName = hostName
    self.machineID = machineID
    self.keepsBoundAddresses = keepsBoundAddresses
  }
}
