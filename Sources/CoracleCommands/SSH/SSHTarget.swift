// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Units

/// Which machine a command line means, and what is to be run there.
struct SSHTarget: Equatable {
  /// How the machine is named.
  enum Name: Equatable {
    /// By its id, the beginning of it, or its address.
    case machine(String)
    /// By a unit that it runs.
    case unit(String)
    /// By one or the other.
    case either(String)
  }

  var name: Name
  /// The words of the command; none is an interactive shell.
  var command: [String]

  /// Takes the words of a command line apart; with a flag all of them are the command.
  ///
  /// Source: specs/fleet.md §8.2, `ssh`.
  /// - Throws: ``CommandFailure`` when no machine is named, or two are.
  init(words: [String], machine: String?, unit: String?) throws(CommandFailure) {
    var words = words
    switch (machine, unit) {
    case (.some, .some):
      throw CommandFailure("Both --machine and --unit flags provided, please specify only one.", status: 2)
    case (let machine?, nil): name = .machine(machine)
    case (nil, let unit?): name = .unit(UnitReference(unit).name)
    case (nil, nil):
      guard let first = words.first, first != "--" else {
        throw CommandFailure("Unable to proceed: one machine or unit must be provided", status: 2)
      }
      guard !first.hasPrefix("-") else {
        throw CommandFailure("unknown option \(first); options stand before the machine, or behind --", status: 2)
      }
      words.removeFirst()
      name = .either(first)
    }
    if words.first == "--" { words.removeFirst() }
    command = words
  }

  /// Finds the machine.
  ///
  /// - Parameters:
  ///   - machines: All machines that are present.
  ///   - unit: Looks a unit up by its name; nil when there is none.
  /// - Returns: The machine.
  /// - Throws: ``CommandFailure`` saying why none, or no single one, is meant; what the look-up throws.
  func machine(
    among machines: [FleetMachine],
    unit: (String) async throws -> FleetUnit?
  ) async throws -> FleetMachine {
    switch name {
    case .machine(let prefix):
      guard let machine = try Self.machine(prefix, among: machines) else { throw Self.notFound }
      return machine
    case .unit(let name): return try Self.machine(of: try await unit(name), named: name, among: machines)
    case .either(let text):
      let found = try Self.machine(text, among: machines)
      let unitName = UnitReference(text).name
      let runner = try await unit(unitName)
      if found != nil, runner != nil {
        throw CommandFailure(
          "Unable to proceed: ambiguous argument, \(text) is both a machine and a unit: name it by --machine or --unit"
        )
      }
      if let found { return found }
      guard let runner else { throw Self.notFound }
      return try Self.machine(of: runner, named: unitName, among: machines)
    }
  }

  private static let notFound = CommandFailure("Unable to proceed: could not find matching unit or machine")

  private static func machine(_ prefix: String, among machines: [FleetMachine]) throws(CommandFailure) -> FleetMachine?
  {
    let matching = machines.meant(by: prefix)
    if matching.count > 1 {
      let ids = matching.map(\.id).joined(separator: ", ")
      throw CommandFailure("Unable to proceed: found more than one machine whose id begins with \(prefix): \(ids)")
    }
    return matching.first
  }

  private static func machine(
    of unit: FleetUnit?,
    named name: String,
    among machines: [FleetMachine]
  ) throws(CommandFailure) -> FleetMachine {
    guard let unit else { throw notFound }
    guard let id = unit.machineID else {
      throw CommandFailure("Unable to proceed: unit \(name) is on no single machine; name one by --machine")
    }
    guard let machine = machines.first(where: { $0.id == id }) else {
      throw CommandFailure("Unable to proceed: machine \(id), which has unit \(name), is not present")
    }
    return machine
  }
}
