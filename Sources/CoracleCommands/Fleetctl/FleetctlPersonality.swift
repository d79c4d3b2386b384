// SPDX-License-Identifier: Apache-2.0
import APIClients
import Fleet
import Glibc
import TransportSecurity

/// The program as fleetctl.
///
/// Source: specs/fleet.md §8. Differs: an unknown command or flag ends with 2; waits end after half a minute unless
/// `--block-attempts` says otherwise, with the reason why a unit is on no machine.
public enum FleetctlPersonality {
  private static let defaultWaiting: Duration = .seconds(30)
  private static let requestTimeout: Duration = .seconds(10)
  private static let originalSocket = "/var/run/fleet.sock"

  /// Runs a command line.
  ///
  /// - Parameters:
  ///   - arguments: The words after `fleetctl`.
  ///   - environment: The variables of the process.
  /// - Returns: The exit code: 0 done, 1 failed, 2 usage error; for `status` also 3, a unit is not active.
  public static func run(arguments: [String], environment: [String: String]) async -> Int32 {
    let output = CommandOutput.standard
    do {
      let flags = try FleetctlFlags(arguments)
      if flags.isSet("version") {
        output.line(versionLine)
        return 0
      }
      guard !flags.isSet("help"), let word = flags.arguments.first, word != "help" else {
        output.write(FleetctlHelp.text)
        return 0
      }
      let command = try FleetctlCommand(word)
      if command == .version {
        output.line(versionLine)
        return 0
      }
      return try await run(command, Array(flags.arguments.dropFirst()), flags, environment, output)
    } catch let failure as CommandFailure {
      output.errorLine(failure.message)
      return failure.status
    } catch {
      output.errorLine("Unable to initialize client: \(error)")
      return 1
    }
  }

  private static let versionLine = "fleetctl version 1.0.0 (coracle \(CoracleProgram.version))"

  private static func run(
    _ command: FleetctlCommand,
    _ arguments: [String],
    _ flags: FleetctlFlags,
    _ environment: [String: String],
    _ output: CommandOutput
  ) async throws -> Int32 {
    try refuseUnsupported(flags, environment)
    if command == .fdForward { return await SocketForwarding.run(arguments, output) }
    let connector = try flags.connector(environment)
    let endpoints = try endpoints(flags, environment, isTunnelled: connector.tunnel != nil)
    let sshPort = try flags.number("ssh-port")
    let waiting = try waiting(flags)
    let lines = try flags.number("lines") ?? 10
    let security = SecurityFiles(
      flags: (ca: flags.value("ca-file"), certificate: flags.value("cert-file"), key: flags.value("key-file")),
      environment: environment,
      prefix: "FLEETCTL"
    )
    return try await connector.withClients(
      endpoints: endpoints,
      security: security,
      timeout: requestTimeout
    ) { clients, tunnel in
      var session = UnitSession(clients, output: output)
      session.errorPrefix = "googleapi: "
      let shell = RemoteShell(
        connector,
        jump: tunnel,
        port: sshPort,
        forwardsAgent: flags.isSet("forward-agent"),
        environment: environment
      )
      session.elsewhere = RemoteUnitQuestions(shell: shell, node: clients.node, usesSudo: flags.isSet("sudo"))
      switch command {
      case .listMachines: return await session.listMachines(layout(flags, MachineListing.defaultFields))
      case .listUnits: return await session.listUnits(layout(flags, UnitListing.defaultStateFields))
      case .listUnitFiles: return await session.listUnitFiles(layout(flags, UnitListing.defaultFileFields))
      case .cat: return await session.cat(arguments)
      case .submit: return await session.submit(arguments, replace: flags.isSet("replace"))
      case .load:
        return await session.activate(arguments, target: .loaded, replace: flags.isSet("replace"), waiting)
      case .start:
        return await session.activate(arguments, target: .launched, replace: flags.isSet("replace"), waiting)
      case .stop: return await session.deactivate(arguments, target: .loaded, waiting)
      case .unload: return await session.deactivate(arguments, target: .inactive, waiting)
      case .destroy: return await session.destroy(arguments, waiting)
      case .status:
        let now = UnitSession.nowEpochMilliseconds()
        return await session.status(arguments, format: .table, nowEpochMilliseconds: now)
      case .journal:
        let style = JournalStyle(rawValue: flags.value("output") ?? "short") ?? .short
        return await session.journal(arguments, lines: lines, follow: flags.isSet("follow"), style: style)
      case .ssh:
        let target = try SSHTarget(words: arguments, machine: flags.value("machine"), unit: flags.value("unit"))
        return await session.ssh(target, shell)
      case .fdForward, .version: return 0
      }
    }
  }

  private static func layout(_ flags: FleetctlFlags, _ fields: [String]) -> ListingLayout {
    ListingLayout(
      fieldNames: ListingLayout.names(flags.value("fields"), default: fields),
      hasLegend: !flags.isSet("no-legend"),
      isFull: flags.isSet("full")
    )
  }

  private static func waiting(_ flags: FleetctlFlags) throws(CommandFailure) -> UnitSession.Waiting {
    let limit = try flags.number("block-attempts").map { $0 == 0 ? nil : Duration.seconds(2 * $0) } ?? defaultWaiting
    return UnitSession.Waiting(isBlocking: !flags.isSet("no-block"), limit: limit)
  }

  /// The endpoint given, else fleet's socket, else a control socket, else this machine's client port.
  private static func endpoints(
    _ flags: FleetctlFlags,
    _ environment: [String: String],
    isTunnelled: Bool
  ) throws(APIClientError) -> [Endpoint] {
    if let text = flags.value("endpoint", environment) { return try Endpoint.list(text) }
    if isTunnelled {
      // Which of them the other host has is found by asking.
      return [try Endpoint("unix://\(originalSocket)"), try Endpoint(ClientOptions.defaultEndpoint)]
    }
    for socket in [originalSocket] + ClientOptions.controlSockets where ClientOptions.isReachableSocket(socket) {
      return [try Endpoint("unix://\(socket)")]
    }
    return [try Endpoint(ClientOptions.defaultEndpoint)]
  }

  private static func refuseUnsupported(
    _ flags: FleetctlFlags,
    _ environment: [String: String]
  ) throws(CommandFailure) {
    if let driver = flags.value("driver", environment), driver.uppercased() != "API" {
      throw CommandFailure("unrecognized driver \"\(driver)\"; only API is supported")
    }
  }
}

/// The commands of fleetctl.
enum FleetctlCommand: String, CaseIterable {
  case listMachines = "list-machines"
  case listUnits = "list-units"
  case listUnitFiles = "list-unit-files"
  case cat
  case submit
  case load
  case start
  case stop
  case unload
  case destroy
  case status
  case journal
  case ssh
  case fdForward = "fd-forward"
  case version

  /// Reads a name, or the beginning of just one.
  init(_ word: String) throws(CommandFailure) {
    if let command = Self(rawValue: word) {
      self = command
      return
    }
    let candidates = Self.allCases.filter { $0.rawValue.hasPrefix(word) }
    guard candidates.count == 1, let command = candidates.first else {
      var message = "Error: unknown command \"\(word)\" for \"fleetctl\""
      if !candidates.isEmpty { message += "; it could be \(candidates.map(\.rawValue).joined(separator: ", "))" }
      throw CommandFailure("\(message)\nRun 'fleetctl help' for usage.", status: 2)
    }
    self = command
  }
}

/// What `fleetctl help` prints.
enum FleetctlHelp {
  static let text = """
    fleetctl is a command-line interface to fleet, as coracle speaks it.

    Usage:
      fleetctl [flags] <command> [arguments]

    Commands:
      cat              Output the contents of a submitted unit
      destroy          Destroy one or more units in the cluster
      help             Show this text
      journal          Print the journal of a unit in the cluster
      list-machines    Enumerate the current hosts in the cluster
      list-unit-files  List the units that exist in the cluster
      list-units       List the current state of units in the cluster
      load             Schedule one or more units in the cluster, first submitting them if necessary
      ssh              Open a shell, or run a command, on a machine or where a unit runs
      start            Instruct systemd to start one or more units in the cluster, first submitting and loading
      status           Output the status of one or more units in the cluster
      stop             Instruct systemd to stop one or more units in the cluster
      submit           Upload one or more units to the cluster without starting them
      unload           Unschedule one or more units in the cluster
      version          Print the version number of fleetctl

    Flags:
      --endpoint URL[,URL]     Where the fleet API is (FLEETCTL_ENDPOINT)
      --ca-file FILE           Trust https servers of these authorities (FLEETCTL_CA_FILE)
      --cert-file FILE         Show https servers this certificate (FLEETCTL_CERT_FILE)
      --key-file FILE          The certificate's key (FLEETCTL_KEY_FILE)
      --fields NAMES           Columns of a listing
      --full, -l               Do not shorten ids
      --no-legend              Leave out the header of a listing
      --no-block               Do not wait for units
      --block-attempts N       How often to look, every two seconds; 0 is for ever
      --replace                Replace a unit whose file differs
      --lines N, --follow, -f  Of a journal
      --tunnel HOST[:PORT]     Ask through this SSH server (FLEETCTL_TUNNEL)
      --ssh-username USER      The user at SSH servers (FLEETCTL_SSH_USERNAME, default core)
      --ssh-timeout SECONDS    How long they may take (FLEETCTL_SSH_TIMEOUT, default 10)
      --ssh-identity-file FILE A key, besides those of ssh-agent and ~/.ssh (FLEETCTL_SSH_IDENTITY_FILE)
      --known-hosts-file FILE  Their keys (FLEETCTL_KNOWN_HOSTS_FILE, default ~/.fleetctl/known_hosts)
      --strict-host-key-checking=false  Trust any host (FLEETCTL_STRICT_HOST_KEY_CHECKING)
      --ssh-port PORT          Of machines, for ssh, status and journal
      --forward-agent, -A, --machine ID, --unit NAME  Of ssh
      --sudo                   Of a journal that is read over SSH
      --version, --help

    fleetctl version 1.0.0 (coracle \(CoracleProgram.version))

    """
}
