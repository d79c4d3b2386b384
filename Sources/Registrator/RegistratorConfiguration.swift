// SPDX-License-Identifier: Apache-2.0
import DockerEngine
public import TextTemplates

/// How the services of this machine are announced in the store.
public struct RegistratorConfiguration: Sendable, Equatable {
  /// What a record looks like, in the words of registrator's backends.
  public enum Format: String, Sendable, CaseIterable {
    /// `PREFIX/<name>/<id>` holds `ip:port`.
    case etcd
    /// `PREFIX/<domain, reversed>/<name>/<id>` holds `{"host":"ip","port":n}`.
    case skydns2
    /// `PREFIX/backends/<name>/servers/<id>` holds `{"URL":"http://ip:port"}`, and `…/backend` its type.
    case vulcand
    /// As ``etcd``, and `PREFIX-meta/<name>/<id>` holds tags, attributes, health, unit and machine.
    case json
  }

  /// When the record of a container that has ended is removed.
  public enum Deregistration: String, Sendable, CaseIterable {
    /// At once.
    case always
    /// At once when the exit code is 0 or says a signal; else the record is left to its time to live.
    case onSuccess = "on-success"
  }

  /// Directory the service records live under, without trailing slash.
  public var prefix: String
  /// What a record looks like.
  public var format = Format.etcd
  /// The domain of ``Format/skydns2``, such as `cluster.local`.
  public var domain = ""
  /// Whether container addresses and ports are announced instead of the machine's.
  public var isInternal: Bool
  /// The machine's address that is announced for published ports.
  public var ip: String
  /// The label that holds a container's address, which then is announced; nil for none.
  public var ipLabel: String?
  /// Whether containers without `SERVICE_NAME` are left out.
  public var isExplicit = false
  /// What each record is tagged with, beside its own tags.
  public var tags: [String] = []
  /// What each record of a container is tagged with besides, by what the engine says of it.
  public var tagTemplate: TagTemplate?
  /// Time to live of each record, in seconds; 0 keeps records until they are removed.
  public var ttlSeconds: UInt64
  /// Time between refreshes, in seconds; nil for a third of ``ttlSeconds``.
  public var refreshSeconds: UInt64?
  /// Time between comparisons of everything with everything, in seconds; 0 leaves it to events and refreshes.
  public var resyncSeconds: UInt64 = 60
  /// When the record of a container that has ended is removed.
  public var deregistration = Deregistration.always
  /// Whether records that carry this machine's host name and belong to nobody are removed as well.
  public var cleansUp = false
  /// Whether a container whose health check has not passed has no record.
  public var wantsHealthy = true
  /// Time between the removal of a unit's records and its stop.
  public var drain = Duration.seconds(1)
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

  /// What every service of a container is tagged with.
  ///
  /// Differs: a template that cannot be filled leaves the container without its tags.
  func tags(of container: ContainerDetails) -> [String] {
    tags + ((try? templateTags(of: container)) ?? [])
  }

  /// Why the template cannot be filled for a container; nil when it can.
  func tagProblem(of container: ContainerDetails) -> TemplateError? {
    do throws(TemplateError) {
      _ = try templateTags(of: container)
      return nil
    } catch {
      return error
    }
  }

  /// What the template makes of a container; nothing without a template.
  private func templateTags(of container: ContainerDetails) throws(TemplateError) -> [String] {
    guard let tagTemplate, let document = container.document else { return [] }
    return try tagTemplate.tags(of: document.templateValue)
  }

  /// Time between two turns of the clock that keep records alive.
  var refreshPause: Duration {
    if let refreshSeconds, refreshSeconds > 0 { return .seconds(refreshSeconds) }
    return ttlSeconds == 0 ? .seconds(60) : .milliseconds(max(1_000, ttlSeconds * 1_000 / 3))
  }
}
