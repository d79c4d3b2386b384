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
  /// The journals of this machine, and of others.
  var journals: JournalDesk

  /// The same for this machine only.
  var withoutOthers: UnitInspectionDesk {
    var desk = self
    desk.remote = nil
    desk.journals.remote = nil
    return desk
  }

  func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
    if let local = await localStatus(of: unitName) { return local }
    return try await elsewhere(unitName).status(of: unitName)
  }

  func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
    // The reader asks for each line, so nothing waits here.
    let lines = JournalLineSource { try await open(unitName, lines: lines, follow: follow) }
    return AsyncThrowingStream(unfolding: { try await lines.next() })
  }

  func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation {
    try await fleet.explain(unitName)
  }

  private func open(
    _ unitName: String,
    lines: Int,
    follow: Bool
  ) async throws -> JournalLineSource.Lines {
    guard await localStatus(of: unitName) != nil else {
      let lines = try await elsewhere(unitName).journal(of: unitName, lines: lines, follow: follow)
      return .stream(lines.makeAsyncIterator())
    }
    let query = JournalQuery(units: [unitName], lines: lines, follows: follow)
    return .feed(try await journals.journal(query))
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

  /// The same of an entry with all its fields.
  init(_ record: JournalRecord) {
    self.init(
      epochMilliseconds: record.epochMicroseconds / 1_000,
      source: record.identifier,
      processID: record.processID.map(Int64.init),
      text: record.text
    )
  }
}

/// The lines of one unit's journal, opened when the first is asked for.
actor JournalLineSource {
  /// Where lines come from.
  enum Lines {
    case feed(JournalFeed)
    case stream(AsyncThrowingStream<JournalLine, any Error>.Iterator)
  }

  private let open: @Sendable () async throws -> Lines
  private var lines: Lines?
  private var pending: ArraySlice<JournalRecord> = []

  init(_ open: @escaping @Sendable () async throws -> Lines) {
    self.open = open
  }

  func next() async throws -> JournalLine? {
    while true {
      if let record = pending.popFirst() { return JournalLine(record) }
      let source = if let lines { lines } else { try await open() }
      switch source {
      case .feed(let feed):
        lines = source
        guard let batch = try await feed.next() else { return nil }
        pending = batch.records[...]
      case .stream(var iterator):
        defer { lines = .stream(iterator) }
        return try await iterator.next(isolation: self)
      }
    }
  }
}
