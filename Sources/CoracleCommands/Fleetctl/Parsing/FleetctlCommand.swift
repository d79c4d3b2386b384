// SPDX-License-Identifier: Apache-2.0

/// The commands of fleetctl.
///
/// Source: specs/fleet.md §8.2.
enum FleetctlCommand: String, CaseIterable, Sendable {
  case cat
  case destroy
  case fdForward = "fd-forward"
  case help
  case journal
  case listMachines = "list-machines"
  case listUnitFiles = "list-unit-files"
  case listUnits = "list-units"
  case load
  case restart
  case ssh
  case start
  case status
  case stop
  case submit
  case unload
  case verify
  case version

  /// Reads a name, or the beginning of just one.
  ///
  /// - Throws: ``CommandFailure`` with the names that come close.
  init(_ word: String) throws(CommandFailure) {
    if let command = Self(rawValue: word) {
      self = command
      return
    }
    let candidates = word.isEmpty ? [] : Self.allCases.filter { $0.rawValue.hasPrefix(word) }
    guard candidates.count == 1, let command = candidates.first else {
      var message = "Error: unknown command \"\(word)\" for \"fleetctl\""
      if !candidates.isEmpty { message += "; it could be \(candidates.map(\.rawValue).joined(separator: ", "))" }
      throw CommandFailure("\(message)\nRun 'fleetctl help' for usage.", status: 2)
    }
    self = command
  }

  /// What follows the name.
  var usage: String {
    switch self {
    case .cat: "UNIT"
    case .destroy, .load, .restart, .start, .stop, .submit, .unload: "[flags] UNIT..."
    case .status: "UNIT..."
    case .fdForward: "SOCKET"
    case .help: "[COMMAND]"
    case .journal: "[flags] UNIT"
    case .listMachines, .listUnitFiles, .listUnits: "[flags]"
    case .ssh: "[flags] MACHINE|UNIT [COMMAND...]"
    case .verify: "UNIT"
    case .version: ""
    }
  }

  /// What it does, in a line.
  var summary: String {
    switch self {
    case .cat: "Print the file of a unit as the cluster has it"
    case .destroy: "Stop units and remove them from the cluster"
    case .fdForward: "Connect standard input and output to a unix socket"
    case .help: "Show the commands, or the flags of one"
    case .journal: "Print the output of a unit, wherever it runs"
    case .listMachines: "List the machines that are present"
    case .listUnitFiles: "List the units of the cluster, and what is wanted of them"
    case .listUnits: "List what machines say of the units they have"
    case .load: "Place units on machines without starting them; missing ones are submitted"
    case .restart: "Stop units and start them again where they are, one after the other"
    case .ssh: "Open a shell, or run a command, on a machine or where a unit is"
    case .start: "Start units; missing ones are submitted and placed"
    case .status: "Show the processes of units, how they ended, and their last output"
    case .stop: "Stop units; they stay on their machines"
    case .submit: "Put units into the cluster without running them"
    case .unload: "Stop units and take them off their machines"
    case .verify: "Does nothing any more: units have no signatures"
    case .version: "Print the version"
    }
  }

  /// The flags that stand with this command alone.
  var flags: [FleetctlFlag] {
    switch self {
    case .listMachines: Self.listing("machine,ip,metadata")
    case .listUnits: Self.listing(UnitListing.defaultStateFields.joined(separator: ","))
    case .listUnitFiles: Self.listing(UnitListing.defaultFileFields.joined(separator: ","))
    case .submit: [Self.replace, Self.sign]
    case .load, .start: [Self.replace, Self.sign] + Self.blocking
    case .stop, .unload, .destroy: Self.blocking
    case .restart: [Self.blocking[0]]
    case .journal:
      [
        FleetctlFlag("lines", .number, short: "n", default: "10", "How many of the last lines"),
        FleetctlFlag("follow", .toggle, short: "f", default: "false", "Go on with the lines to come"),
        FleetctlFlag("output", .text, default: "short", "Form of the lines: \(JournalStyle.names)"),
        FleetctlFlag("sudo", .toggle, default: "false", "Read the journal as root, where it is read by SSH"),
        Self.sshPort,
      ]
    case .status: [Self.sshPort]
    case .ssh:
      [
        FleetctlFlag("machine", .text, short: "m", "The machine, by the beginning of its id"),
        FleetctlFlag("unit", .text, short: "u", "The unit whose machine is meant"),
        FleetctlFlag("forward-agent", .toggle, short: "A", default: "false", "Forward the SSH agent"), Self.sshPort,
      ]
    case .cat, .fdForward, .help, .verify, .version: []
    }
  }

  private static func listing(_ fields: String) -> [FleetctlFlag] {
    [
      FleetctlFlag("full", .toggle, short: "l", default: "false", "Show ids and hashes whole"),
      FleetctlFlag("no-legend", .toggle, default: "false", "Leave the header out"),
      FleetctlFlag("fields", .text, default: fields, "Columns, in their order"),
    ]
  }

  private static let replace = FleetctlFlag("replace", .toggle, default: "false", "Replace units whose file differs")
  private static let sign = FleetctlFlag("sign", .toggle, default: "false", "Deprecated, has no effect")
  private static let sshPort = FleetctlFlag("ssh-port", .number, default: "22", "The port of SSH servers")
  private static let blocking = [
    FleetctlFlag("block-attempts", .number, "How often to look, every two seconds; 0 is for ever (default: 30 s)"),
    FleetctlFlag("no-block", .toggle, default: "false", "Do not wait for the units"),
  ]
}
