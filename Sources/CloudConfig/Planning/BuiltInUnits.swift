// SPDX-License-Identifier: Apache-2.0

/// What the unit list says of the things that are built in, and the units that are not.
struct BuiltInUnits {
  /// What the list does to a built-in.
  enum Switch: Equatable {
    /// The list does not name it.
    case unset
    case on
    case off
  }

  /// A variable that a drop-in gives a built-in, as a setting of its section.
  struct Variable {
    /// Name in the schema's spelling, without `ETCD_` or `FLEET_`.
    var key: String
    var node: YAMLNode
    var mark: SourceMark
    /// Whether the drop-in comes after the one that the section itself was rendered to (`20-cloudinit.conf`).
    var standsAboveSection: Bool
  }

  /// A socket of the Docker Engine, with its place in the document.
  struct EngineSocket {
    var plan: EngineSocketPlan
    var mark: SourceMark
  }

  var etcd = Switch.unset
  var fleet = Switch.unset
  var docker = Switch.unset
  var registrator = Switch.unset
  var etcdEnvironment: [Variable] = []
  var fleetEnvironment: [Variable] = []
  var fleetListenURLs: [EndpointURL] = []
  var engineSockets: [EngineSocket] = []
  var local: [LocalUnitPlan] = []
  /// Files for systemd-networkd.
  var network: [LocalUnitPlan] = []
}
