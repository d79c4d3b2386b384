// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import Testing
import Units

@testable import CoracleCommands

/// `coracle machine`.
struct MachineSessionTests {
  private static let first = "1111aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  private static let second = "1122bbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  private let fleet = LocalFleet(machines: [
    FleetMachine(id: first, primaryIP: "10.0.0.1", metadata: ["disk": "ssd"], clientURL: "http://10.0.0.1:2379"),
    FleetMachine(id: second, primaryIP: "10.0.0.2"),
  ])
  private let record = RecordedOutput()
  private let begin = ContinuousClock.now

  private var session: UnitSession {
    UnitSession(
      fleet: fleet,
      inspection: fleet,
      output: record.output,
      readFile: { _ in "[Service]\nExecStart=/bin/sleep 9\n" },
      sleep: { _ in },
      now: { [begin] in begin }
    )
  }

  @Test(arguments: [first, "1111", "10.0.0.1"])
  func `a machine is named by its id, the beginning of it, or its address`(name: String) async throws {
    #expect(try await session.machine(name).id == Self.first)
  }

  @Test(arguments: [
    ("11", "Machine 11 is not clear: it could be \(first), \(second)"), ("3", "Machine 3 is not present."),
    ("", "Machine  is not present."),
  ])
  func `a name that is not clear, or nobody's, is told`(name: String, message: String) async {
    await #expect(throws: CommandFailure(message)) { try await session.machine(name) }
  }

  @Test func `metadata is set and hidden, and told as it is afterwards`() async {
    #expect(await session.setMetadata(of: "1111", ["role=web", "eq=a=b"], removing: ["disk"]) == 0)
    #expect(record.out == "Machine 1111aaaa... eq=a=b,role=web\n")
    #expect(await session.setMetadata(of: "1111", [], removing: ["eq", "role"]) == 0)
    #expect(record.out.hasSuffix("Machine 1111aaaa... -\n"))
  }

  @Test func `a machine that is away is described for later, if its id is whole`() async {
    let id = "33333333333333333333333333333333"
    #expect(await session.setMetadata(of: id, ["role=web"], removing: []) == 0)
    #expect(record.out == "Machine 33333333... is not present; kept for later\n")
    #expect(await session.setMetadata(of: "3333", ["role=web"], removing: []) == 1)
    #expect(record.error == "Machine 3333 is not present.\n")
  }

  @Test(arguments: [
    (["role"], "\"role\" is no KEY=VALUE; --remove KEY takes a key away\n", 2),
    (["role="], "\"role=\" is no KEY=VALUE; --remove KEY takes a key away\n", 2),
    ([], "No metadata is given: KEY=VALUE or --remove KEY\n", 2),
    (["ro le=x"], "Error setting metadata of machine 1111: Error 400: machine metadata path invalid\n", 1),
  ])
  func `metadata that is none changes nothing`(assignments: [String], message: String, status: Int32) async {
    #expect(
      await session.setMetadata(of: "1111", ["good=1"].prefix(assignments.count) + assignments, removing: []) == status
    )
    #expect(record.error == message)
    #expect(fleet.state.withLock { $0.patches.isEmpty })
  }

  /// Starts a unit of a type on the first machine.
  private func start(_ name: String, _ service: String) async throws {
    let file = try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n\(service)")
    _ = try await fleet.putUnit(named: name, FleetUnitRequest(options: file.options, desiredState: "launched"))
  }

  @Test func `a drain waits for a oneshot as long as that takes, and does not wait for it to go`() async throws {
    try await start("a.service", "Type=oneshot\n")
    try await start("b.service", "Type=oneshot\n")
    fleet.state.withLock { $0.endsAfter = ["a.service": 500, "b.service": 0] }
    #expect(await session.drain("1111", .init(limit: nil)) == 0)
    #expect(record.error == "Waiting for what runs to its end: a.service\n")
    #expect(record.out == "Machine 1111aaaa... is drained; ended and still placed there: a.service b.service\n")
  }

  @Test func `a drain gives up when other units do not move`() async throws {
    try await start("a.service", "Type=oneshot\nRemainAfterExit=yes\n")
    #expect(await session.drain("1111", .init(limit: nil)) == 1)
    #expect(record.error == "Units that do not move: a.service; unit explain tells why\n")
  }

  @Test func `the status of a machine shows what it has`() async {
    _ = await session.activate(["a", "b"], target: .launched, replace: false, .init(limit: .seconds(2)))
    let before = record.out.count
    #expect(await session.machineStatus(["1111"], format: .table) == 0)
    #expect(
      record.out.dropFirst(before) == """
        ● 1111aaaaaaaaaaaaaaaaaaaaaaaaaaaa
          Address: 10.0.0.1
         Metadata: disk=ssd
              API: http://10.0.0.1:2379
            Units: 2
                   a.service active (running)
                   b.service active (running)

        """
    )
    let second = RecordedOutput()
    var other = session
    other = UnitSession(
      fleet: other.fleet,
      inspection: fleet,
      output: second.output,
      readFile: other.readFile,
      sleep: other.sleep
    )
    #expect(await other.machineStatus(["1122", "9"], format: .json) == 1)
    #expect(
      second.out == #"[{"machine":"1122bbbbbbbbbbbbbbbbbbbbbbbbbbbb","ip":"10.0.0.2","metadata":{},"#
        + #""clientURL":"","units":[]}]"# + "\n"
    )
    #expect(second.error == "Machine 9 is not present.\n")
  }
}
