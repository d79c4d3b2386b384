// SPDX-License-Identifier: Apache-2.0
import APIClients
import APIServer
import CloudConfig
import FleetDaemon
import FleetWire
import Logging
import ServiceLifecycle
import UnitRunner
import Units

/// This machine's part in the fleet, once the store is there.
struct FleetNodeService: Service {
  let node: PreparedNode
  let plan: FleetPlan
  let ports: APIPorts
  let store: Eventual<NodeStore>
  let supervision: UnitSupervision
  let transport: HTTPTransport
  let fleet: Eventual<FleetService>
  let records: UnitRecords
  let logger: Logger

  func run() async throws {
    let store: NodeStore
    do {
      store = try await cancelWhenGracefulShutdown {
        let store = try await self.store.wait()
        try await supervision.waitUntilReady()
        return store
      }
    } catch is CancellationError {
      return
    }
    let fleet = FleetService(
      configuration: configuration,
      keys: store.keys,
      supervisor: FleetUnitSupervisor(
        supervision: supervision,
        localUnits: Set(node.plan.unitsOfNode.filter(\.isWhole).compactMap(\.unitName)),
        records: records
      ),
      logger: logger
    )
    self.fleet.fulfil(fleet)
    ports.setFleetPageLimit(plan.tokenLimit)
    ports.setFleet(fleet.api)
    ports.setEngineMetrics { fleet.engineMetrics }
    let desk = UnitInspectionDesk(
      machineID: node.machineID,
      supervision: supervision,
      fleet: fleet,
      remote: { url in NodeClient(endpoints: [try Endpoint(url)], transport: transport, asksLocally: true) },
      journals: JournalDesk(
        machineID: node.machineID,
        supervision: supervision,
        remote: { machineID in
          let url = try fleet.clientURL(ofMachine: machineID)
          return NodeClient(endpoints: [try Endpoint(url)], transport: transport, asksLocally: true)
        }
      )
    )
    ports.setInspection(desk, local: desk.withoutOthers)
    ports.setJournals(desk.journals, local: desk.withoutOthers.journals)
    ports.setOperations(fleet.operations)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await fleet.run() }
      try? await gracefulShutdown()
      ports.setFleet(nil)
      ports.setEngineMetrics(nil)
      ports.setInspection(nil)
      ports.setJournals(nil)
      ports.setOperations(nil)
      if node.options.stopsUnits { await fleet.leave() }
      group.cancelAll()
    }
  }

  /// Where other machines reach this one's API; empty when they cannot.
  ///
  /// A machine that has no client URLs is reached where it listens for fleet, unless that is for itself alone.
  private var clientURL: String {
    if let url = node.plan.etcd?.advertiseClientURLs.first { return url.text }
    let reachable = plan.listenURLs.lazy.compactMap { url -> EndpointURL? in
      if url.isWildcard { return EndpointURL(scheme: url.scheme, host: node.publicIP, port: url.port) }
      return url.isLoopback && url.host != node.publicIP ? nil : url
    }
    return reachable.first?.text ?? ""
  }

  private var configuration: FleetConfiguration {
    FleetConfiguration(
      machineID: node.machineID,
      instanceToken: node.instanceToken,
      publicIP: node.publicIP,
      clientURL: clientURL,
      metadata: plan.metadataByKey,
      agentTTL: plan.agentTTL,
      reconcileInterval: plan.engineReconcileInterval,
      layout: RegistryLayout(prefix: plan.etcdKeyPrefix),
      isEngineDisabled: plan.isEngineDisabled,
      requestTimeout: max(plan.etcdRequestTimeout, .seconds(3))
    )
  }
}
