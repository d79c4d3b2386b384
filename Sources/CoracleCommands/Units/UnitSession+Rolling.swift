// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire
import Units

extension UnitSession {
  /// What `unit roll` was told.
  struct RollWish: Equatable {
    var unit: String
    /// The path of the new file.
    var file: String?
    /// Whether files are not looked for.
    var isRestart = false
    var maxUnavailable = 1
    var healthTimeout = Duration.seconds(60)
  }

  /// Whether a roll is waited for, and how it is shown.
  struct RollStyle: Equatable {
    var isBlocking = true
    var format = OutputFormat.table
  }

  /// `unit roll`: begins a roll and follows it.
  ///
  /// - Returns: 1 when it could not begin, or did not come to its end.
  func roll(_ wish: RollWish, _ style: RollStyle) async -> Int32 {
    let name = UnitReference(wish.unit).name
    do {
      let operations = try clusterOperations()
      var file = try newFile(wish)
      let (seconds, attoseconds) = wish.healthTimeout.components
      var request = RollRequest(
        name: name,
        options: file?.options ?? [],
        maxUnavailable: wish.maxUnavailable,
        healthTimeoutMilliseconds: max(1, seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
      )
      var roll = try await operations.beginRoll(request)
      if roll.phase == .done, wish.file == nil {
        // What lies here is what runs already, so a restart is meant.
        request.options = []
        file = nil
        roll = try await operations.beginRoll(request)
      }
      if let file { warn(about: file, try UnitName(name)) }
      return await follow(roll, RollProgress(), style)
    } catch {
      return report("Error rolling \(name): \(text(error))")
    }
  }

  /// `unit roll --pause`, `--resume`, `unit rollback`.
  func change(_ change: RollChange, rollOf unit: String, _ style: RollStyle) async -> Int32 {
    let name = UnitReference(unit).name
    do {
      let operations = try clusterOperations()
      let before = try await operations.roll(of: name)
      var progress = RollProgress()
      _ = progress.lines(before, await machineNames())
      let roll = try await operations.changeRoll(of: name, change)
      guard change != .pause else {
        output.line("The roll of \(name) is paused: \(roll.summary)")
        return Self.done
      }
      return await follow(roll, progress, style)
    } catch {
      return report("Error rolling \(name): \(text(error))")
    }
  }

  /// `unit roll --status`: one roll with its copies, or all rolls.
  func showRolls(of unit: String?, format: OutputFormat) async -> Int32 {
    do {
      let operations = try clusterOperations()
      let rolls: [Roll]
      if let unit {
        rolls = [try await operations.roll(of: UnitReference(unit).name)]
      } else {
        rolls = try await operations.rolls()
      }
      if format == .json {
        output.line(JSONValue.array(rolls.map(\.json)).text)
        return Self.done
      }
      let machines = await machineNames()
      for roll in rolls {
        output.line("\(roll.name): \(roll.phase.rawValue), \(roll.summary)")
        if let failure = roll.failure { output.line("  " + RollProgress.line(failure, machines)) }
        guard unit != nil else { continue }
        for copy in roll.shownCopies { output.line("  " + RollProgress.line(copy, roll, machines)) }
      }
      return Self.done
    } catch {
      return report("Error asking for rolls: \(text(error))")
    }
  }

  // MARK: Following

  /// How often a roll or rebalancing is looked at: nobody is told of their changes, and a copy takes two seconds at least.
  static let lookPause = Duration.milliseconds(250)

  /// The node's own operations, which fleet's nodes do not have.
  func clusterOperations() throws(CommandFailure) -> any ClusterOperationsAPI {
    guard let operations else { throw CommandFailure("this takes a node of coracle's own") }
    return operations
  }

  /// The file that is named, or that lies where `start` would look for it.
  private func newFile(_ wish: RollWish) throws -> UnitFile? {
    if let path = wish.file {
      guard let file = try localFile(path) else { throw CommandFailure("there is no file \(path)") }
      return file
    }
    guard !wish.isRestart else { return nil }
    for path in UnitReference(wish.unit).filePaths {
      if let file = try localFile(path) { return file }
    }
    return nil
  }

  private func follow(_ first: Roll, _ progress: RollProgress, _ style: RollStyle) async -> Int32 {
    var (roll, progress) = (first, progress)
    guard style.isBlocking else {
      output.line(style.format == .json ? roll.json.text : "Triggered roll of \(roll.name)")
      return Self.done
    }
    if style.format == .table { output.line(roll.heading) }
    var shown: Roll?
    while true {
      if style.format == .table, roll != shown {
        for line in progress.lines(roll, await machineNames()) { output.line(line) }
        shown = roll
      }
      guard roll.isGoingOn else { break }
      do {
        try await sleep(Self.lookPause)
        let (operations, name) = (try clusterOperations(), roll.name)
        roll = try await overOutages { () async throws(FleetAPIError) in try await operations.roll(of: name) }
      } catch FleetAPIError.notFound {
        // A roll is forgotten with the last of its units.
        return report("The roll of \(roll.name) ended: all its units were destroyed")
      } catch {
        return report("Error following the roll of \(roll.name), which goes on without this terminal: \(text(error))")
      }
    }
    if style.format == .json { output.line(roll.json.text) }
    return await conclude(roll, style)
  }

  private func conclude(_ roll: Roll, _ style: RollStyle) async -> Int32 {
    if let failure = roll.failure { await tell(failure) }
    switch roll.phase {
    case .done, .rolledBack:
      if style.format == .table { output.line("\(roll.name) is \(roll.phase.rawValue): \(roll.summary)") }
      return roll.failure == nil ? Self.done : Self.failed
    case .stopped:
      return report(
        "The roll of \(roll.name) has stopped: \(roll.summary). unit roll --resume goes on, unit rollback goes back."
      )
    case .paused: return report("The roll of \(roll.name) was paused: \(roll.summary)")
    case .superseded: return report("The roll of \(roll.name) ended: somebody else changed or destroyed the unit")
    case .rolling, .rollingBack: return Self.failed
    }
  }

  /// Says which copy failed, and what its machine knows about it.
  private func tell(_ failure: RollFailure) async {
    let machines = (try? await fleet.machines()) ?? []
    let names = MachineNames(machines)
    report(RollProgress.line(failure, names))
    let url = machines.first { $0.id == failure.machineID }?.clientURL
    // A global unit is on many machines, and its own one is meant.
    var status = try? await url.flatMap(inspectionAt)?.status(of: failure.unit)
    if status == nil { status = try? await inspection.status(of: failure.unit) }
    guard let status else { return }
    let text = UnitStatusText.text(status, names, nowEpochMilliseconds: Self.nowEpochMilliseconds())
    for line in text.split(separator: "\n") { report("  \(line)") }
  }
}
