// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import DockerEngine
import Logging
import Registrator
import ServiceLifecycle
import UnitRunner

/// Publishes running containers and announced units once the store is there.
struct RegistratorService: Service {
  let configuration: RegistratorConfiguration
  let engine: DockerEngineClient?
  let supervision: UnitSupervision
  let store: Eventual<NodeStore>
  let records: UnitRecords
  let stopsUnits: Bool
  let logger: Logger

  func run() async throws {
    let registrator: ServiceRegistrator
    do {
      registrator = try await cancelWhenGracefulShutdown {
        let store = try await store.wait()
        try await supervision.waitUntilReady()
        return ServiceRegistrator(
          configuration: configuration,
          engine: engine,
          units: SupervisedServices(supervision: supervision),
          store: store.keys,
          logger: logger
        )
      }
    } catch is CancellationError {
      return
    }
    records.use(registrator)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await registrator.run() }
      try? await gracefulShutdown()
      if stopsUnits { await registrator.withdrawUnits() }
      records.use(nil)
      group.cancelAll()
    }
  }
}

extension RegistratorConfiguration {
  /// What a node's cloud-config says.
  init(of node: PreparedNode) {
    let plan = node.plan.registrator
    self.init(
      prefix: plan.prefix,
      isInternal: plan.isInternal,
      ip: plan.ip ?? node.publicIP,
      ttlSeconds: plan.ttlSeconds,
      hostName: node.hostName,
      machineID: node.machineID,
      // Like registrator without -ip: a port published on one address keeps it.
      keepsBoundAddresses: plan.ip == nil
    )
    format = Format(rawValue: plan.format.rawValue) ?? .etcd
    deregistration = Deregistration(rawValue: plan.deregistration.rawValue) ?? .always
    domain = plan.domain
    ipLabel = plan.ipLabel
    isExplicit = plan.isExplicit
    tags = plan.tags
    tagTemplate = plan.tagTemplate
    refreshSeconds = plan.refreshSeconds
    resyncSeconds = plan.resyncSeconds
    cleansUp = plan.cleansUp
    wantsHealthy = plan.wantsHealthy
    drain = plan.drain
  }
}
