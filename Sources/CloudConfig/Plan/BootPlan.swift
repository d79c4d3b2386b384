// SPDX-License-Identifier: Apache-2.0

/// What one user-data document asks of this node: typed, checked, with every default filled in.
///
/// Invariant: made only from a document without errors; every URL in it has a scheme, a host and a port.
public struct BootPlan: Sendable, Equatable {
  /// The store's member (or proxy) that this node runs; nil when the document starts none.
  public var etcd: EtcdPlan?
  /// The fleet agent and engine that this node runs; nil when the document starts none.
  public var fleet: FleetPlan?
  /// The built-in registrator.
  public var registrator: RegistratorPlan
  /// Where the Docker Engine listens; nil means "the usual socket, if it is there".
  public var dockerURL: String?
  /// Where the Docker Engine's socket is made reachable besides, in the order of the document.
  public var engineSockets: [EngineSocketPlan]
  /// Units of the document that are not built in, in the order of the document; not fleet's.
  ///
  /// With the carrier ``LocalUnitPlan/Carrier/node`` only those of types that the node runs, with the other one all.
  public var localUnits: [LocalUnitPlan]
  /// Who runs them: this node, or the computer's own systemd (`coracle.local-units: systemd`).
  public var localUnitsCarrier: LocalUnitPlan.Carrier
  /// What the document wants changed on this computer; carried out only with `--apply-system`.
  public var system: SystemPlan

  /// Makes a plan.
  public init(
    etcd: EtcdPlan? = nil,
    fleet: FleetPlan? = nil,
    registrator: RegistratorPlan = RegistratorPlan(),
    dockerURL: String? = nil,
    engineSockets: [EngineSocketPlan] = [],
    localUnits: [LocalUnitPlan] = [],
    localUnitsCarrier: LocalUnitPlan.Carrier = .node,
    system: SystemPlan = SystemPlan()
  ) {
    self.etcd = etcd
    self.fleet = fleet
    self.registrator = registrator
    self.dockerURL = dockerURL
    self.engineSockets = engineSockets
    self.localUnits = localUnits
    self.localUnitsCarrier = localUnitsCarrier
    self.system = system
  }

  /// Units of the document that the node itself runs.
  public var unitsOfNode: [LocalUnitPlan] { localUnitsCarrier == .node ? localUnits : [] }

  /// The plan of a node without user-data: a cluster of one on loopback, with fleet.
  public static let standalone = BootPlan(etcd: EtcdPlan(), fleet: FleetPlan())
}
