// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire

extension UnitSession {
  /// The machine that a text means: its id, the beginning of just one id, or its address.
  ///
  /// - Throws: ``CommandFailure`` when none or several are meant, ``FleetAPIError`` when they cannot be listed.
  func machine(_ text: String) async throws -> FleetMachine {
    let candidates = try await fleet.machines().meant(by: text)
    guard let machine = candidates.first else { throw CommandFailure("Machine \(text) is not present.") }
    guard candidates.count == 1 else {
      throw CommandFailure("Machine \(text) is not clear: it could be \(candidates.map(\.id).joined(separator: ", "))")
    }
    return machine
  }

  /// The names of the machines that are present; of none when they cannot be listed.
  func machineNames() async -> MachineNames { MachineNames((try? await fleet.machines()) ?? []) }

  /// `machine status`: what is known of machines, and the units they have; of all machines when none is named.
  func machineStatus(_ arguments: [String], format: OutputFormat) async -> Int32 {
    var status = Self.done
    var statuses: [MachineStatus] = []
    do {
      var machines: [FleetMachine] = arguments.isEmpty ? try await fleet.machines() : []
      for argument in arguments {
        do {
          machines.append(try await machine(argument))
        } catch let failure as CommandFailure {
          status = report(failure.message)
        }
      }
      let states = try await fleet.states(matching: FleetStateFilter())
      statuses = machines.map { machine in
        MachineStatus(machine: machine, states: states.filter { $0.machineID == machine.id })
      }
    } catch {
      return report("Error retrieving list of active machines from fleet API (\(text(error)))")
    }
    switch format {
    case .table: output.write(statuses.map(\.text).joined(separator: "\n"))
    case .json: output.line(JSONValue.array(statuses.map(\.json)).text)
    }
    return status
  }

  /// `machine set-metadata`: overrides keys of a machine's metadata, or hides them.
  ///
  /// - Parameters:
  ///   - name: The machine; an id that is not present is taken for later when it is whole.
  ///   - assignments: `KEY=VALUE`.
  ///   - removed: Keys to hide, also configured ones.
  /// - Returns: The exit status.
  func setMetadata(of name: String, _ assignments: [String], removing removed: [String]) async -> Int32 {
    do {
      let id = try await machineID(name)
      var operations: [MachineMetadataOperation] = []
      for assignment in assignments {
        let sides = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[1].isEmpty else {
          throw CommandFailure("\"\(assignment)\" is no KEY=VALUE; --remove KEY takes a key away", status: 2)
        }
        operations.append(.init(operation: "add", path: "/\(id)/metadata/\(sides[0])", value: String(sides[1])))
      }
      operations += removed.map { .init(operation: "remove", path: "/\(id)/metadata/\($0)") }
      guard !operations.isEmpty else {
        throw CommandFailure("No metadata is given: KEY=VALUE or --remove KEY", status: 2)
      }
      for operation in operations { _ = try operation.validated() }
      try await fleet.patchMachines(operations)
      let machine = try await fleet.machines().first { $0.id == id }
      let metadata = machine.map { MachineListing.metadataText($0.metadata) }
      output.line(
        "Machine \(MachineListing.shortID(id, isFull: false)) \(metadata ?? "is not present; kept for later")"
      )
      return Self.done
    } catch let failure as CommandFailure {
      output.errorLine(failure.message)
      return failure.status
    } catch {
      return report("Error setting metadata of machine \(name): \(text(error))")
    }
  }

  private func machineID(_ name: String) async throws -> String {
    do {
      return try await machine(name).id
    } catch let failure as CommandFailure {
      guard name.utf8.count == 32, name.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else { throw failure }
      return name
    }
  }
}

/// A machine with the units it has.
struct MachineStatus {
  var machine: FleetMachine
  var states: [FleetUnitState]

  /// Lines for people.
  var text: String {
    var lines = ["● \(machine.id)", "  Address: \(machine.primaryIP.isEmpty ? "-" : machine.primaryIP)"]
    lines.append(" Metadata: \(MachineListing.metadataText(machine.metadata))")
    if let url = machine.clientURL { lines.append("      API: \(url)") }
    lines.append("    Units: \(states.count)")
    lines += states.sorted { $0.name < $1.name }.map { "           \($0.name) \($0.activeState) (\($0.subState))" }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The same for programs.
  var json: JSONValue {
    let metadata = machine.metadata.sorted { $0.key < $1.key }.map { JSONValue.Field($0.key, .string($0.value)) }
    let units = states.sorted { $0.name < $1.name }.map { state -> JSONValue in
      [
        "unit": .string(state.name), "load": .string(state.loadState), "active": .string(state.activeState),
        "sub": .string(state.subState),
      ]
    }
    return [
      "machine": .string(machine.id), "ip": .string(machine.primaryIP), "metadata": .object(metadata),
      "clientURL": .string(machine.clientURL ?? ""), "units": .array(units),
    ]
  }
}
