// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import FleetWire
public import Logging
import Synchronization

/// Where a node's store is.
public enum StorePort: Sendable {
  /// Not there yet: its routes answer 503.
  case starting
  /// This node is a member; without users every request may do everything.
  case member(any KeysAPI, any ClusterAPI, (any AuthAPI)? = nil)
  /// This node is a worker: requests go to the members.
  case worker(any RequestForwarder)
}

/// What the routes stand on; each part may come and change while the server runs.
///
/// Concurrency: any thread may set; requests that come later see the new part.
public final class APIPorts: Sendable {
  struct State {
    var store = StorePort.starting
    var fleet: (any FleetAPI)?
    var fleetPageLimit = FleetPage.defaultLimit
    var inspection: (any UnitInspectionAPI)?
    var localInspection: (any UnitInspectionAPI)?
    var journals: (any JournalAPI)?
    var localJournals: (any JournalAPI)?
    var operations: (any ClusterOperationsAPI)?
    var engineMetrics: (@Sendable () -> EngineMetrics)?
    var corsOrigins: Set<String> = []
    var setLogLevel: (@Sendable (Logger.Level) -> Void)?
    var servesProfiles = false
  }

  /// What is published; replaced as a whole, so that a request takes one reference.
  private final class Published: Sendable {
    let state: State

    init(_ state: State) {
      self.state = state
    }
  }

  /// What is counted of the requests to `/v2/keys`, whatever stands behind them.
  let requests = RequestMetrics()
  /// What is counted of the requests that a worker sends on.
  let proxied = ProxyMetrics()

  private let published = Mutex(Published(State()))

  /// Makes ports of which none is set.
  public init() {}

  /// Sets what answers `/v2`, `/version`, `/health` and `/discovery`.
  public func setStore(_ store: StorePort) {
    change { $0.store = store }
  }

  /// Sets what answers `/fleet/v1`; nil while the machine has not registered.
  public func setFleet(_ fleet: (any FleetAPI)?) {
    change { $0.fleet = fleet }
  }

  /// Sets how many entries a page of fleet's listings holds; 1 to 65535.
  public func setFleetPageLimit(_ limit: Int) {
    change { $0.fleetPageLimit = min(max(limit, 1), Int(UInt16.max)) }
  }

  /// Sets what answers `/coracle/v1/units`.
  ///
  /// - Parameters:
  ///   - inspection: Knows of all units, and may ask other nodes.
  ///   - local: Knows of this machine's units only; answers when another node asks. Nil stands for `inspection`.
  public func setInspection(_ inspection: (any UnitInspectionAPI)?, local: (any UnitInspectionAPI)? = nil) {
    change { state in
      state.inspection = inspection
      state.localInspection = local ?? inspection
    }
  }

  /// Sets what answers `/coracle/v1/journal`.
  ///
  /// - Parameters:
  ///   - journals: Reads this machine's journal, and may ask other nodes for theirs.
  ///   - local: Reads this machine's alone; answers when another node asks. Nil stands for `journals`.
  public func setJournals(_ journals: (any JournalAPI)?, local: (any JournalAPI)? = nil) {
    change { state in
      state.journals = journals
      state.localJournals = local ?? journals
    }
  }

  /// Sets what answers `/coracle/v1/rolls` and `/coracle/v1/rebalancing`.
  public func setOperations(_ operations: (any ClusterOperationsAPI)?) {
    change { $0.operations = operations }
  }

  /// Sets what tells `/metrics` of this machine's engine; nil while there is none.
  public func setEngineMetrics(_ read: (@Sendable () -> EngineMetrics)?) {
    change { $0.engineMetrics = read }
  }

  /// Sets the origins whose pages may use the store (`coreos.etcd2.cors`); `*` stands for all.
  public func setCORSOrigins(_ origins: Set<String>) {
    change { $0.corsOrigins = origins }
  }

  /// Sets what `PUT /config/local/log` does.
  public func setLogLevelControl(_ setLevel: @escaping @Sendable (Logger.Level) -> Void) {
    change { $0.setLogLevel = setLevel }
  }

  /// Sets whether `/debug/pprof` is served (`coreos.etcd2.enable-pprof`).
  public func setServesProfiles(_ servesProfiles: Bool) {
    change { $0.servesProfiles = servesProfiles }
  }

  var current: State { published.withLock { $0 }.state }

  private func change(_ body: (inout State) -> Void) {
    published.withLock { published in
      var state = published.state
      body(&state)
      published = Published(state)
    }
  }
}
