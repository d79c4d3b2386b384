// SPDX-License-Identifier: Apache-2.0
import APIClients
import Fleet
import FleetWire
import SSHTunnel

/// One command of fleetctl that needs the cluster.
struct FleetctlRun {
  private static let defaultWaiting: Duration = .seconds(30)

  let invocation: FleetctlInvocation
  let settings: FleetctlSettings
  let environment: [String: String]
  let output: CommandOutput
  let readFile: UnitSession.FileReader
  let sleep: UnitSession.Sleeper

  /// Carries it out.
  ///
  /// - Returns: The exit code.
  /// - Throws: What keeps it from starting.
  func run() async throws -> Int32 {
    guard let command = invocation.command else { return 0 }
    if command == .fdForward { return await SocketForwarding.run(invocation.arguments, output) }
    let connector = try connector()
    let tell: RequestTrace = { [output] method, url, _ in output.errorLine("\(method) \(url)") }
    return try await connector.withTunnel { tunnel in
      try await CommandClients.with(
        endpoints: settings.endpoints,
        security: settings.security,
        timeout: settings.requestTimeout,
        trace: settings.tellsRequests ? tell : nil,
        tunnel: tunnel
      ) { clients in
        let shell = shell(connector, through: tunnel)
        var session = await session(clients)
        session.elsewhere = RemoteUnitQuestions(
          shell: shell,
          node: clients.node,
          usesSudo: invocation.isSet("sudo")
        )
        guard command == .ssh else { return await carryOut(command, session) }
        let target = try SSHTarget(
          words: invocation.arguments,
          machine: invocation.value("machine"),
          unit: invocation.value("unit")
        )
        return await session.ssh(target, shell)
      }
    }
  }

  private func connector() throws -> SSHConnector {
    try SSHConnector(value: { invocation.value($0) }, directory: ".fleetctl", environment: environment)
  }

  /// Commands on machines, which are behind the tunnel if there is one.
  private func shell(_ connector: SSHConnector, through tunnel: SSHSession?) -> RemoteShell {
    RemoteShell(
      connector,
      jump: tunnel,
      port: invocation.number("ssh-port"),
      forwardsAgent: invocation.isSet("forward-agent"),
      environment: environment
    )
  }

  private func session(_ clients: CommandClients) async -> UnitSession {
    var session = UnitSession(clients, output: output)
    session.readFile = readFile
    session.sleep = sleep
    session.errorPrefix = "googleapi: "
    if case .store(let layout) = settings.driver {
      let registry = RegistryClient(keys: clients.etcd, layout: layout)
      session.fleet = registry
      session.inspection = MachineInspection(fleet: registry, clients: clients)
      session.errorPrefix = ""
      await warnIfOlder(than: registry)
    }
    return session
  }

  /// Says, as the original does, when a machine runs something newer; whether it can be found out does not matter.
  private func warnIfOlder(than registry: RegistryClient) async {
    guard let own = SemanticVersion(FleetctlPersonality.version),
      let newest = try? await registry.newestVersion(), own < newest
    else { return }
    let rule = String(repeating: "#", count: 68)
    output.errorLine(
      """
      \(rule)
      WARNING: fleetctl (\(own)) is older than the latest registered
      version of fleet found in the cluster (\(newest)). You are strongly
      recommended to upgrade fleetctl to prevent incompatibility issues.
      \(rule)
      """
    )
  }

  private func carryOut(_ command: FleetctlCommand, _ session: UnitSession) async -> Int32 {
    let arguments = invocation.arguments
    switch command {
    case .listMachines: return await session.listMachines(layout(MachineListing.defaultFields))
    case .listUnits: return await session.listUnits(layout(UnitListing.defaultStateFields))
    case .listUnitFiles: return await session.listUnitFiles(layout(UnitListing.defaultFileFields))
    case .cat: return await session.cat(arguments)
    case .submit: return await session.submit(arguments, replace: replaces)
    case .load: return await session.activate(arguments, target: .loaded, replace: replaces, waiting)
    case .start: return await session.activate(arguments, target: .launched, replace: replaces, waiting)
    case .stop: return await session.deactivate(arguments, target: .loaded, waiting)
    case .unload: return await session.deactivate(arguments, target: .inactive, waiting)
    case .restart: return await session.restart(arguments, waiting)
    case .destroy: return await session.destroy(arguments, waiting)
    case .status:
      let now = UnitSession.nowEpochMilliseconds()
      return await session.status(arguments, format: .table, nowEpochMilliseconds: now)
    case .journal:
      let name = invocation.value("output") ?? JournalStyle.short.rawValue
      guard let style = JournalStyle(rawValue: name) else {
        output.errorLine("Unknown output mode \"\(name)\"; known are \(JournalStyle.names)")
        return 2
      }
      let lines = invocation.number("lines") ?? 10
      return await session.journal(arguments, lines: lines, follow: invocation.isSet("follow"), style: style)
    case .ssh, .fdForward, .help, .verify, .version: return 0
    }
  }

  private var replaces: Bool { invocation.isSet("replace") }

  private func layout(_ fields: [String]) -> ListingLayout {
    ListingLayout(
      fieldNames: ListingLayout.names(invocation.value("fields"), default: fields),
      hasLegend: !invocation.isSet("no-legend"),
      isFull: invocation.isSet("full")
    )
  }

  private var waiting: UnitSession.Waiting {
    let limit = invocation.number("block-attempts").map { UnitSession.Waiting.limit(attempts: $0) }
    return UnitSession.Waiting(isBlocking: !invocation.isSet("no-block"), limit: limit ?? Self.defaultWaiting)
  }
}
