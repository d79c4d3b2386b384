// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire
import Units

/// Carries unit commands out on a cluster and prints what fleetctl prints.
///
/// Every call tries all units that it is given, reports each failure on standard error, and returns the exit status: 0 when
/// all is done, else 1. Source: specs/fleet.md §8 and §9. Differs: a wait has a limit and says why a unit is on no machine;
/// stopping looks at what is wanted too; what §13 lists as faults is not copied.
struct UnitSession: Sendable {
  /// Reads a local file; nil when there is none.
  typealias FileReader = @Sendable (String) throws(CommandFailure) -> String?

  /// Lets time pass.
  typealias Sleeper = @Sendable (Duration) async throws -> Void

  /// Tells the time that has passed.
  typealias Clock = @Sendable () -> ContinuousClock.Instant

  var fleet: any FleetAPI
  var inspection: any UnitInspectionAPI
  let output: CommandOutput
  var readFile: FileReader
  /// Waits between two looks at a unit.
  var sleep: Sleeper
  /// What limits of waits are measured by.
  var now: Clock = { ContinuousClock.now }
  /// Stands before errors of the server.
  var errorPrefix = ""
  /// Rolls and rebalances; nil where there is only fleet's API.
  var operations: (any ClusterOperationsAPI)?
  /// What answers for the units of the machine at a client URL; nil when it cannot be asked.
  var inspectionAt: @Sendable (String) -> (any UnitInspectionAPI)? = { _ in nil }
  /// Asks a unit's machine itself when the API cannot tell; nil asks nobody.
  var elsewhere: RemoteUnitQuestions?
  /// The journals of all machines; nil where only single units can be asked for.
  var journals: (any JournalAPI)?

  /// How long a command waits for its units.
  struct Waiting: Equatable {
    /// Whether it waits at all.
    var isBlocking = true
    /// When it gives up; nil is never.
    var limit: Duration?

    /// The limit of so many looks, every two seconds; nil, which is never, for none.
    static func limit(attempts: Int) -> Duration? { attempts > 0 ? .seconds(2) * attempts : nil }
  }

  static let done: Int32 = 0
  static let failed: Int32 = 1

  // MARK: Listings

  /// `list-machines`.
  func listMachines(_ layout: ListingLayout) async -> Int32 {
    do {
      try layout.check(MachineListing.fieldNames)
      output.write(try MachineListing.text(try await fleet.machines(), layout))
      return Self.done
    } catch let failure as CommandFailure {
      return report(failure.message)
    } catch {
      output.errorLine("Error retrieving list of active machines from fleet API (\(text(error)))")
      output.errorLine("Possible issues:")
      output.errorLine("  etcd is unhealthy and/or lost quorum")
      return report("  connection cannot be established to any etcd servers")
    }
  }

  /// `list-units`.
  func listUnits(_ layout: ListingLayout) async -> Int32 {
    do {
      try layout.check(UnitListing.stateFieldNames)
      let states = try await fleet.states(matching: FleetStateFilter())
      let machines = MachineNames(try await fleet.machines())
      output.write(try UnitListing.text(states: states, machines: machines, layout))
      return Self.done
    } catch let failure as CommandFailure {
      return report(failure.message)
    } catch {
      return report("Error retrieving list of units from repository: \(text(error))")
    }
  }

  /// `list-unit-files`.
  func listUnitFiles(_ layout: ListingLayout) async -> Int32 {
    do {
      try layout.check(UnitListing.fileFieldNames)
      if layout.format == .table, layout.fieldNames.contains("tmachine") {
        output.errorLine("WARNING: The \"tmachine\" field is deprecated. Use \"target\" instead")
      }
      let units = try await fleet.units()
      let machines = units.contains { $0.machineID != nil } ? try await fleet.machines() : []
      output.write(try UnitListing.text(files: units, machines: MachineNames(machines), layout))
      return Self.done
    } catch let failure as CommandFailure {
      return report(failure.message)
    } catch {
      return report("Error retrieving list of units from repository: \(text(error))")
    }
  }

  // MARK: Reporting

  /// Prints a line on standard error.
  ///
  /// - Returns: The exit status of a failure.
  @discardableResult
  func report(_ line: String) -> Int32 {
    output.errorLine(line)
    return Self.failed
  }

  func text(_ error: any Error) -> String {
    switch error {
    case let error as FleetAPIError: error.isAnswer ? "\(errorPrefix)\(error)" : error.description
    case let failure as CommandFailure: failure.message
    default: "\(error)"
    }
  }

  /// Does something for many units at once, at most sixteen at a time; the results are in the order of the units.
  func concurrently<Item: Sendable, Outcome: Sendable>(
    _ items: [Item],
    _ body: @escaping @Sendable (Item) async -> Outcome
  ) async -> [Outcome] {
    await withTaskGroup(of: (Int, Outcome).self) { group in
      var outcomes: [Outcome?] = Array(repeating: nil, count: items.count)
      for (offset, item) in items.enumerated() {
        if offset >= 16, let (done, outcome) = await group.next() { outcomes[done] = outcome }
        group.addTask { (offset, await body(item)) }
      }
      for await (done, outcome) in group { outcomes[done] = outcome }
      return outcomes.compactMap { $0 }
    }
  }
}
