// SPDX-License-Identifier: Apache-2.0
import APIClients
import APIServer
import CloudConfig
import CloudInit
import DockerEngine
import FleetDaemon
import Logging
import NIOCore
import NIOPosix
import Registrator
import ServiceLifecycle
import UnitRunner
import UnixSignals

/// The parts of a node, wired together: the only place that picks concrete types.
struct NodeServices {
  let node: PreparedNode
  let levels: LogLevelControl
  /// The program that wants to hear how the node is, if one does.
  let manager: ServiceManagerLink?
  let logger: Logger

  /// Runs all parts until a signal ends them, in the reverse of the order they are listed in.
  ///
  /// - Throws: What keeps a part from starting or running.
  func run() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let engine = try makeEngine(group)
    // It may bring the certificates that are read next.
    let system = await SystemService.prepare(node, logger: logger)
    let security = try await NodeSecurity.read(node.plan, logger: logger)
    let transports = NodeTransports(group: group, security: security, plan: node.plan.etcd)
    let failure: (any Error)?
    do {
      try await runServices(group, engine, security, transports, system)
      failure = nil
    } catch {
      failure = error
    }
    await transports.shutdown()
    await engine?.shutdown()
    if let failure { throw failure }
  }

  private func runServices(
    _ group: any EventLoopGroup,
    _ engine: DockerEngineClient?,
    _ security: NodeSecurity,
    _ transports: NodeTransports,
    _ system: SystemService?
  ) async throws {
    let ports = makePorts()
    let api = try await APIService(node, ports: ports, security: security, group: group, logger: logger)
    let store = Eventual<NodeStore>()
    let fleet = Eventual<FleetService>()
    let supervision = UnitSupervision(
      configuration: unitConfiguration,
      containers: engine.map { DockerEngineContainers(client: $0) },
      logger: logger
    )
    let records = UnitRecords()
    var services: [any Service] = [
      StoreService(
        node: node,
        ports: ports,
        store: store,
        security: security,
        transports: transports,
        group: group,
        logger: logger
      ),
      api,
      UnitsService(
        supervision: supervision,
        localUnits: node.plan.unitsOfNode,
        hasFleet: node.plan.fleet != nil,
        stopsUnits: node.options.stopsUnits,
        logger: logger
      ),
    ]
    if let plan = node.plan.fleet {
      services.append(
        FleetNodeService(
          node: node,
          plan: plan,
          ports: ports,
          store: store,
          supervision: supervision,
          transport: transports.members,
          fleet: fleet,
          records: records,
          logger: logger
        )
      )
    }
    if node.plan.registrator.isEnabled {
      services.append(
        RegistratorService(
          configuration: RegistratorConfiguration(of: node),
          engine: engine,
          supervision: supervision,
          store: store,
          records: records,
          stopsUnits: node.options.stopsUnits,
          logger: logger
        )
      )
    }
    if let service = engineSockets(group) { services.append(service) }
    if let system { services.append(system) }
    services.append(ReloadService(node: node, fleet: fleet, manager: manager, logger: logger))
    // The last one hears first that the node is to end.
    if let manager {
      services.append(ReadinessService(node: node, manager: manager, store: store, supervision: supervision))
    }
    try await runGroup(services)
  }

  private func engineSockets(_ group: any EventLoopGroup) -> EngineSocketService? {
    let plans = node.plan.engineSockets
    guard !plans.isEmpty else { return nil }
    guard let url = node.usualDockerURL else {
      let names = plans.map(\.unit).joined(separator: ", ")
      logger.warning("the node has no Docker Engine to make reachable", metadata: ["unit.name": "\(names)"])
      return nil
    }
    return EngineSocketService(plans: plans, engineURL: url, group: group, logger: logger)
  }

  private func makePorts() -> APIPorts {
    let ports = APIPorts()
    ports.setLogLevelControl { [levels, logger] level in
      levels.set(level)
      logger.notice("log level changed", metadata: ["log.level": "\(level)"])
    }
    if let plan = node.plan.etcd {
      ports.setCORSOrigins(Set(plan.corsOrigins))
      ports.setServesProfiles(plan.enablesProfiling)
    }
    return ports
  }

  private func runGroup(_ services: [any Service]) async throws {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services.map { service in
          // A member that was removed from its cluster ends by itself, and well.
          let isStore = service is StoreService
          return .init(
            service: service,
            successTerminationBehavior: isStore ? .gracefullyShutdownGroup : .cancelGroup
          )
        },
        gracefulShutdownSignals: [.sigterm, .sigint],
        logger: quiet
      )
    )
    logger.notice("node starts", metadata: ["machine.id": "\(node.machineID)", "node.data": "\(node.directory.path)"])
    try await group.run()
    let metadata: Logger.Metadata = ["machine.id": "\(node.machineID)"]
    if node.options.stopsUnits {
      logger.notice("node has stopped, and so have its units", metadata: metadata)
    } else {
      logger.notice("node has stopped; its units keep running", metadata: metadata)
    }
  }

  private func makeEngine(_ group: any EventLoopGroup) throws(NodeError) -> DockerEngineClient? {
    guard let url = node.dockerURL else { return nil }
    do {
      return try DockerEngineClient(url: url, eventLoopGroup: group, logger: logger)
    } catch {
      throw NodeError("use the Docker Engine at \(url)", cause: error)
    }
  }

  private var unitConfiguration: UnitSupervisionConfiguration {
    var configuration = UnitSupervisionConfiguration(
      stateDirectory: "\(node.directory.path)/units",
      machineID: node.machineID,
      environment: unitEnvironment
    )
    configuration.controlGroupRoot = node.options.controlGroupRoot
    configuration.dropIns = node.plan.unitsOfNode.filter { !$0.isWhole }.flatMap(\.unitDropIns)
    return configuration
  }

  /// What the units' own `etcdctl`, `fleetctl` and `docker` lines need to reach this node.
  private var unitEnvironment: [String: String] {
    var variables = node.unitEndpointVariables
    if let url = node.dockerURL { variables["DOCKER_HOST"] = url }
    return variables
  }
}
