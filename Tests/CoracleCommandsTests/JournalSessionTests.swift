// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import TestKit
import Testing
import Units

@testable import CoracleCommands

/// `coracle unit journal` over machines in memory.
@Suite struct JournalSessionTests {
  private static let machines = ["m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "m2bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]

  /// The journals of machines; a machine may be out of reach, and a reading may break off.
  private final class Journals: JournalAPI {
    struct State {
      var records: [String: [JournalRecord]] = [:]
      var unreachable: Set<String> = []
      /// Readings that follow end with an error once so many times.
      var breaks = 0
      var opened = 0
    }

    let state = Mutex(State())

    func write(_ text: String, _ unit: String, on machine: String, at time: Int64) {
      state.withLock { state in
        state.records[machine, default: []].append(
          JournalRecord(
            position: JournalPosition(rawValue: time),
            epochMicroseconds: time,
            machineID: machine,
            unit: unit,
            processID: 7,
            identifier: "sh",
            message: Array(text.utf8)
          )
        )
      }
    }

    func journal(_ query: JournalQuery) async throws(FleetAPIError) -> JournalFeed {
      let machine = query.machineID ?? ""
      let isThere = state.withLock { state in
        state.opened += 1
        return !state.unreachable.contains(machine)
      }
      guard isThere else { throw .failed("machine \(machine.prefix(8)) cannot be asked") }
      let cursor = Mutex(query.after ?? .start)
      let hasRead = Mutex(false)
      return JournalFeed {
        if query.follows { try await Task.sleep(for: .milliseconds(5)) }
        if !query.follows, hasRead.withLock({ $0 }) { return nil }
        hasRead.withLock { $0 = true }
        let (found, breaks) = self.state.withLock { state in
          let after = cursor.withLock { $0 }
          let selection = JournalSelection(query.units)
          let found = (state.records[machine] ?? []).filter { record in
            record.position > after && selection.matches(record.unit)
              && record.epochMicroseconds >= query.sinceMicroseconds ?? 0
          }
          let breaks = query.follows && found.isEmpty && state.breaks > 0
          if breaks { state.breaks -= 1 }
          return (found, breaks)
        }
        if breaks { throw FleetAPIError.unreachable("the journal's answer broke off") }
        let records = query.lines.map { Array(found.suffix($0)) } ?? found
        let last = found.last?.position ?? cursor.withLock { $0 }
        cursor.withLock { $0 = last }
        return JournalBatch(records: records, cursor: last, isAtEnd: true)
      }
    }
  }

  private let fleet = LocalFleet(
    machines: machines.map { FleetMachine(id: $0, primaryIP: "10.0.0.\($0.prefix(2).last ?? "0")") }
  )
  private let record = RecordedOutput()
  private let journals = Journals()

  private var session: UnitSession {
    UnitSession(
      fleet: fleet,
      inspection: fleet,
      output: record.output,
      readFile: { _ in nil },
      sleep: { _ in try await Task.sleep(for: .milliseconds(5)) },
      journals: journals
    )
  }

  private func add(_ unit: String, on machine: String? = nil, _ file: String = "[Service]\nExecStart=/bin/x\n") {
    guard let options = try? UnitFile(parsing: file).options else { return }
    fleet.state.withLock {
      $0.units[unit] = FleetUnit(
        name: unit,
        options: options,
        desiredState: .launched,
        currentState: .launched,
        machineID: machine
      )
    }
  }

  private func run(_ words: [String], _ change: (inout JournalWish) -> Void = { _ in }) async -> Int32 {
    var wish = JournalWish(words: words)
    wish.style = .cat
    change(&wish)
    return await session.journals(wish, nowMicroseconds: 1_000_000_000)
  }

  @Test func `the entries of all instances on all machines come in the order of their times`() async {
    let (one, two) = (Self.machines[0], Self.machines[1])
    for time in stride(from: 1, through: 29, by: 2) {
      journals.write("\(time)", "web@1.service", on: one, at: Int64(time))
      journals.write("\(time + 1)", "web@2.service", on: two, at: Int64(time) + 1)
    }
    journals.write("other", "db.service", on: one, at: 99)
    #expect(await run(["web@"]) == 0)
    #expect(record.out == (21...30).map { "\($0)\n" }.joined())
    let before = record.out
    #expect(await run(["web@*"]) { $0.sinceMicroseconds = 5 } == 0)
    #expect(record.out == before + (5...30).map { "\($0)\n" }.joined())
  }

  @Test func `lines say whose they are where that is not clear`() async {
    let one = Self.machines[0]
    add("a.service", on: one)
    journals.write("one", "a.service", on: one, at: 1_795_780_800_000_000)
    #expect(await run(["a"]) { $0.style = .short } == 0)
    #expect(record.out.hasSuffix(":00 sh[7]: one\n"))
    #expect(await run(["a", "b*"]) { $0.style = .short } == 0)
    #expect(record.out.hasSuffix(":00 a.service[m1aaaaaa] sh[7]: one\n"))
    add("a.service", on: one, "[Service]\nExecStart=/bin/x\n[X-Fleet]\nGlobal=true\n")
    #expect(await run(["a"]) { $0.style = .short } == 0)
    #expect(record.out.hasSuffix(":00 a.service[m1aaaaaa] sh[7]: one\n"))
    #expect(await run(["a"]) { $0.style = .json } == 0)
    #expect(
      record.out.hasSuffix(
        #"{"__CURSOR":"m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1795780800000000","#
          + #""__REALTIME_TIMESTAMP":"1795780800000000","_MACHINE_ID":"m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","#
          + #""_SYSTEMD_UNIT":"a.service","_TRANSPORT":"stdout","PRIORITY":"6","SYSLOG_IDENTIFIER":"sh","_PID":"7","#
          + #""MESSAGE":"one"}"# + "\n"
      )
    )
  }

  @Test func `a unit that nobody knows is an error, one that is gone but has entries is none`() async {
    #expect(await run(["x"]) == 1)
    #expect(record.error == "Unit x.service does not exist.\n")
    journals.write("late", "x.service", on: Self.machines[1], at: 5)
    #expect(await run(["x"]) == 0)
    #expect(record.out == "late\n")
    add("quiet.service")
    #expect(await run(["quiet"]) == 0)
    #expect(record.error.hasSuffix("-- No entries --\n"))
  }

  @Test func `a machine that cannot be asked is told, and the others' entries are shown`() async {
    journals.write("here", "a.service", on: Self.machines[0], at: 5)
    journals.state.withLock { $0.unreachable = [Self.machines[1]] }
    #expect(await run(["a"]) == 1)
    #expect(record.out == "here\n")
    #expect(record.error.hasPrefix("Machine m2bbbbbb cannot be asked: "))
    #expect(await run(["a"]) { $0.machine = "m1" } == 0)
    #expect(await run(["a"]) { $0.machine = "m9" } == 1)
    #expect(record.error.hasSuffix("Machine m9 is not present.\n"))
  }

  @Test func `following goes on over breaks, moves, new machines and new instances, each line once`() async throws {
    let (one, two) = (Self.machines[0], Self.machines[1])
    add("web@1.service", on: one)
    fleet.state.withLock { _ = $0.machines.removeLast() }
    journals.write("1", "web@1.service", on: one, at: 1_000_000_001)
    let following = Task { await run(["web@"]) { $0.follows = true } }
    try await eventually("the first line") { record.out == "1\n" }
    journals.state.withLock { $0.breaks = 3 }
    try await eventually("three breaks") { journals.state.withLock { $0.breaks } == 0 }
    journals.write("2", "web@1.service", on: one, at: 1_000_000_002)
    try await eventually("the second line") { record.out == "1\n2\n" }
    // It moves to a machine that was not there before.
    journals.write("3", "web@1.service", on: two, at: 1_000_000_003)
    fleet.state.withLock { $0.machines.append(FleetMachine(id: two, primaryIP: "10.0.0.2")) }
    try await eventually("the line of the new machine") { record.out == "1\n2\n3\n" }
    journals.state.withLock { $0.unreachable = [two] }
    journals.state.withLock { $0.breaks = 2 }
    try await eventually("two more breaks") { journals.state.withLock { $0.breaks } == 0 }
    journals.write("4", "web@2.service", on: two, at: 1_000_000_004)
    journals.write("5", "web@2.service", on: one, at: 1_000_000_005)
    try await eventually("the line of a new instance") { record.out.hasSuffix("5\n") }
    journals.state.withLock { $0.unreachable = [] }
    try await eventually("every line") { record.out.split(separator: "\n").count == 5 }
    following.cancel()
    _ = await following.value
    #expect(record.out.split(separator: "\n").sorted() == ["1", "2", "3", "4", "5"])
  }
}
