// SPDX-License-Identifier: Apache-2.0
import Units

/// A loaded unit as the supervision's thread sees it.
struct SupervisedUnit {
  let name: UnitName
  let file: UnitFile
  let hash: UnitHash
  let loadState: UnitActivity.LoadState
  /// What its file says; of a unit that is no service, what services have too.
  let definition: ServiceDefinition
  var lifecycle: TypedLifecycle
  /// What outlives this process; the lifecycle's part of it is filled in when it is written.
  var record: UnitRecord
  /// Work with the container engine that can be ended early, by command id.
  var cancellations: [String: Cancellation] = [:]
  /// The last group signal's token; answers to earlier ones are stale.
  var groupToken = 0
  /// What was published last.
  var published: LoadedUnit?

  /// How many command reports are kept.
  static let reportLimit = 64

  init(
    _ unit: UnitToRun,
    specifiers: SpecifierValues,
    record: UnitRecord,
    dropIns: [DropIn] = [],
    timers: TimerFacts
  ) {
    name = unit.name
    file = unit.file
    hash = unit.file.hash
    let whole = unit.file.adding(dropIns, for: unit.name)
    let reading = ServiceReading(whole.file, name: unit.name, specifiers: specifiers)
    let announcing = UnitAnnouncements(of: whole.file, unitName: unit.name)
    announcements = announcing.services
    warnings =
      reading.findings.filter { $0.severity == .warning }.map(\.description) + whole.problems
      + announcing.problems.map(\.description)
    var problems = reading.findings.filter { finding in
      if case .unitTypeNotCarriedOut = finding { true } else { finding.severity == .error }
    }.map(\.description)
    var timerSurroundings = TimerSurroundings()
    if case .timer(let timer) = reading.kind {
      let (surroundings, missingZones) = timers.surroundings(of: timer, unit.name)
      timerSurroundings = surroundings
      problems += missingZones.map { "OnCalendar=: this machine knows no time zone \($0)" }
    }
    loadState = reading.errors.isEmpty ? .loaded : .badSetting
    definition = reading.definition
    lifecycle = TypedLifecycle(reading, resuming: record.snapshot, record.passive, timers: timerSurroundings)
    self.record = record
    if !problems.isEmpty {
      self.record.problem = problems.joined(separator: "; ")
    }
    canRun = problems.isEmpty
  }

  /// The services it says it offers, those of drop-ins included.
  let announcements: [ServiceAnnouncement]

  /// What of its file is not carried out.
  let warnings: [String]

  /// Whether its file can be carried out at all.
  let canRun: Bool

  /// The service's own machine; nil for a unit that is none.
  var service: UnitLifecycle? { lifecycle.service }

  var activity: UnitActivity {
    var activity = lifecycle.activity
    activity.load = loadState
    return activity
  }

  var loadedUnit: LoadedUnit {
    LoadedUnit(
      name: name,
      hash: hash,
      activity: activity,
      isStartRequested: record.isStartRequested,
      problem: record.problem,
      announcements: announcements
    )
  }

  var isDown: Bool { activity.sub == .dead || activity.sub == .failed }

  /// The id of the command that is begun next.
  var nextCommandID: String { "\(name)/\(record.invocation)/\(record.commandCount + 1)" }

  /// What a command's lines are labelled with.
  func source(of command: ExecCommand) -> String {
    definition.execution.syslogIdentifier ?? String(command.program.split(separator: "/").last ?? "command")
  }

  /// A run begins: what is on record of an earlier one is over.
  mutating func beginRun() {
    record.invocation = UInt64.random(in: 0...UInt64.max).hexadecimal + UInt64.random(in: 0...UInt64.max).hexadecimal
    record.reports = []
    record.searchID = nil
    record.problem = nil
  }

  func running(_ role: CommandRole) -> RunningCommand? {
    record.running.first { $0.role == role }
  }

  mutating func change(_ id: String, _ body: (inout RunningCommand) -> Void) {
    guard let index = record.running.firstIndex(where: { $0.id == id }) else { return }
    body(&record.running[index])
  }

  /// Begins to keep track of a command.
  mutating func begin(_ command: RunningCommand, line: String, at milliseconds: Int64) {
    record.running.append(command)
    record.reports.append(
      CommandReport(
        id: command.id,
        option: command.position.stage.rawValue,
        line: line,
        startedEpochMilliseconds: milliseconds
      )
    )
    if record.reports.count > Self.reportLimit { record.reports.removeFirst() }
  }

  /// A command has ended; returns it, or nil when it is not known any more.
  mutating func end(_ id: String, _ end: ProcessEnd, at milliseconds: Int64) -> RunningCommand? {
    cancellations[id] = nil
    guard let index = record.running.firstIndex(where: { $0.id == id }) else { return nil }
    report(id) {
      $0.end = end.description
      $0.endedEpochMilliseconds = milliseconds
    }
    return record.running.remove(at: index)
  }

  mutating func report(_ id: String, _ body: (inout CommandReport) -> Void) {
    guard let index = record.reports.lastIndex(where: { $0.id == id }) else { return }
    body(&record.reports[index])
  }
}
