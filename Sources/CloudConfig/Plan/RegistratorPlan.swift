// SPDX-License-Identifier: Apache-2.0
public import TextTemplates

/// Settings of the registrator (`coracle.registrator`).
public struct RegistratorPlan: Sendable, Equatable {
  /// What a record looks like.
  public enum Format: String, Sendable, CaseIterable {
    case etcd
    case skydns2
    case vulcand
    case json

    /// Where records stand unless it is said otherwise.
    var defaultPrefix: String {
      switch self {
      case .etcd, .json: "/services"
      case .skydns2: "/skydns"
      case .vulcand: "/vulcand"
      }
    }
  }

  /// When the record of a container that has ended is removed.
  public enum Deregistration: String, Sendable, CaseIterable {
    case always
    case onSuccess = "on-success"
  }

  /// Whether services are registered at all.
  public var isEnabled: Bool
  /// The directory of the store under which services stand.
  public var prefix: String
  /// What a record looks like.
  public var format = Format.etcd
  /// The domain of ``Format/skydns2``; empty for the others.
  public var domain = ""
  /// Whether exposed ports are registered with the container's own address instead of published ones.
  public var isInternal: Bool
  /// The address that services are registered with; nil means fleet's public IP.
  public var ip: String?
  /// The label that holds a container's address; nil for none.
  public var ipLabel: String?
  /// Whether containers without `SERVICE_NAME` are left out.
  public var isExplicit = false
  /// What every service is tagged with.
  public var tags: [String] = []
  /// What every service of a container is tagged with besides, by what the engine says of it.
  public var tagTemplate: TagTemplate?
  /// Seconds a service record lives without refresh; 0 means for ever.
  public var ttlSeconds: UInt64
  /// Seconds between refreshes; nil for a third of ``ttlSeconds``.
  public var refreshSeconds: UInt64?
  /// Seconds between comparisons of everything; 0 for none beside events.
  public var resyncSeconds: UInt64 = 60
  /// When the record of a container that has ended is removed.
  public var deregistration = Deregistration.always
  /// Whether records that carry this machine's host name and belong to nobody are removed.
  public var cleansUp = false
  /// Whether a container whose health check has not passed has no record.
  public var wantsHealthy = true
  /// Time between the removal of a unit's records and its stop.
  public var drain = Duration.seconds(1)

  /// Makes settings; the defaults are those of the contract.
  public init(
    isEnabled: Bool = true,
    prefix: String = "/services",
    isInternal: Bool = false,
    ip: String? = nil,
    ttlSeconds: UInt64 = 60
  ) {
    self.isEnabled = isEnabled
    self.prefix = prefix
    self.isInternal = isInternal
    self.ip = ip
    self.ttlSeconds = ttlSeconds
  }
}
