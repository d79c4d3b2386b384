// SPDX-License-Identifier: Apache-2.0
import FleetDaemon
import FleetWire
import UnitRunner
import Units

/// Answers what only the machine that runs a unit knows, by asking that machine when it is another one.
struct UnitInspectionDesk: UnitInspectionAPI {
  let machineID: String
  let supervision: UnitSupervision
  let fleet: FleetService
  /// The same questions asked of the node at a client URL; nil answers for this machine only.
  var remote: (@Sendable (_ clientURL: String) throws -> any UnitInspectionAPI)?

  /// The same for this machine only.
  var withoutOthers: UnitInspectionDesk {
    var desk = self
    desk.remote = nil
    return desk
  }

  func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
    if let local = await localStatus(of: unitName) { return local }
    return try await elsewhere(unitName).status(of: unitName)
  }

  func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
    AsyncThrowingStream(bufferingPolicy: .bufferingOldest(10_000)) { continuation in
      let forwarding = Task {
        do {
          try await forwardJournal(of: unitName, lines: lines, follow: follow) { line in
            if case .dropped = continuation.yield(line) {
              throw FleetAPIError.failed("the reader of the journal is too slow; read it again")
            }
          }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in forwarding.cancel() }
    }
  }

  func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation {
    try await fleet.explain(unitName)
  }

  private func forwardJournal(
    of unitName: String,
    lines: Int,
    follow: Bool,
    _ deliver: (JournalLine) throws -> Void
  ) async throws {
    if let name = try? UnitName(unitName), await localStatus(of: unitName) != nil {
      for try await entry in supervision.journal(of: name, lines: lines, follow: follow) {
        try deliver(JournalLine(entry))
      }
    } else {
      for try await line in try await elsewhere(unitName).journal(of: unitName, lines: lines, follow: follow) {
        try deliver(line)
      }
    }
  }

  private func localStatus(of unitName: String) async -> UnitStatusReport? {
    guard let name = try? UnitName(unitName), let status = await supervision.status(of: name) else { return nil }
    return UnitStatusReport(status, machineID: machineID)
  }

  /// The machine that has the unit, when this one has not.
  private func elsewhere(_ unitName: String) async throws(FleetAPIError) -> any UnitInspectionAPI {
    guard let remote else {
      throw .notFound("unit \(unitName) is not loaded on machine \(machineID.prefix(8)), which was asked for it")
    }
    let location = try await fleet.location(of: unitName)
    guard !location.isLocal else { throw .notFound("unit \(unitName) is placed on this machine but not loaded yet") }
    let machine = location.machineID.prefix(8)
    guard let url = location.clientURL else {
      throw .failed("machine \(machine), which has \(unitName), is absent or does not say where it can be asked")
    }
    do {
      return try remote(url)
    } catch {
      throw .failed("machine \(machine), which has \(unitName), cannot be asked at \(url): \(error)")
    }
  }
}

extension UnitStatusReport {
  /// The runner's status on the wire.
  init(_ status: UnitStatus, machineID: String) {
    let main = status.commands.last { $0.option == "ExecStart" }
    self.init(
      name: status.unit.name.description,
      description: status.description,
      machineID: machineID,
      loadState: status.unit.activity.load.rawValue,
      activeState: status.unit.activity.active.rawValue,
      subState: status.unit.activity.sub.rawValue,
      sinceEpochMilliseconds: status.sinceEpochMilliseconds,
      mainProcessID: status.mainProcessID.map(Int64.init),
      containerID: status.containerID,
      mainStatus: main.map { $0.end ?? "running" },
      statusText: status.statusText,
      commands: status.commands.map { command in
        CommandStatus(
          option: command.option,
          line: command.line,
          processID: command.processID.map(Int64.init),
          status: command.end ?? "running"
        )
      },
      warnings: status.warnings,
      journal: status.journal.map(JournalLine.init)
    )
  }
}

extension JournalLine {
  /// The runner's journal entry on the wire.
  init(_ entry: JournalEntry) {
    self.init(
      epochMilliseconds: entry.epochMicroseconds / 1_000,
      source: entry.source,
      processID: entry.processID.map(Int64.init),
      text: entry.text
    )
  }
}
