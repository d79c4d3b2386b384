// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import Testing
import Units

@testable import CoracleCommands

/// Tables and reports, to the byte.
struct UnitTextTests {
  private let machines = [
    FleetMachine(id: "2222222200000000", primaryIP: "10.0.0.2", metadata: ["region": "sfo1", "disk": "ssd"]),
    FleetMachine(id: "m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", primaryIP: "10.0.0.1"),
  ]

  private func layout(_ fields: [String], legend: Bool = true, full: Bool = false) -> ListingLayout {
    ListingLayout(fieldNames: fields, hasLegend: legend, isFull: full)
  }

  @Test func `columns are filled with tabs to the next multiple of eight beyond their longest cell`() {
    #expect(TabTable.text([["A", "B"], ["1234567", "x"]]) == "A\tB\n1234567\tx\n")
    #expect(TabTable.text([["A", "B"], ["12345678", "x"]]) == "A\t\tB\n12345678\tx\n")
    #expect(TabTable.text([["A", "", "C"]]) == "A\t\tC\n")
    #expect(TabTable.text([]) == "")
  }

  @Test func `machines are listed as fleetctl lists them`() throws {
    #expect(
      try MachineListing.text(machines, layout(MachineListing.defaultFields)) == """
        MACHINE\t\tIP\t\tMETADATA
        22222222...\t10.0.0.2\tdisk=ssd,region=sfo1
        m1aaaaaa...\t10.0.0.1\t-

        """
    )
    #expect(try MachineListing.text([], layout(MachineListing.defaultFields)) == "MACHINE\tIP\tMETADATA\n")
    #expect(
      try MachineListing.text(machines, layout(["ip", "machine"], legend: false, full: true))
        == "10.0.0.2\t2222222200000000\n10.0.0.1\tm1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    )
    #expect(throws: CommandFailure("Invalid key in output format: \"x\"")) {
      try MachineListing.text(machines, layout(["x"]))
    }
    #expect(throws: CommandFailure("Must define output format")) { try MachineListing.text(machines, layout([])) }
  }

  @Test func `json has every field`() throws {
    var json = layout([])
    json.format = .json
    #expect(
      try MachineListing.text([machines[0]], json)
        == #"[{"machine":"2222222200000000","ip":"10.0.0.2","metadata":{"disk":"ssd","region":"sfo1"}}]"# + "\n"
    )
  }

  @Test func `units are listed as fleetctl lists them`() throws {
    let states = [
      FleetUnitState(
        name: "a.service",
        hash: "0123456789012345678901234567890123456789",
        machineID: "m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        loadState: "loaded",
        activeState: "active",
        subState: "running"
      )
    ]
    let names = MachineNames(machines)
    #expect(
      try UnitListing.text(states: states, machines: names, layout(UnitListing.defaultStateFields)) == """
        UNIT\t\tMACHINE\t\t\tACTIVE\tSUB
        a.service\tm1aaaaaa.../10.0.0.1\tactive\trunning

        """
    )
    #expect(try UnitListing.text(states: states, machines: names, layout(["hash"])) == "HASH\n0123456\n")
    #expect(
      try UnitListing.text(states: states, machines: MachineNames([]), layout(["machine"]))
        == "MACHINE\nm1aaaaaa...\n"
    )
  }

  @Test func `unit files are listed as fleetctl lists them`() throws {
    let options = [UnitOption(section: "Service", name: "ExecStart", value: "/bin/true")]
    let global = options + [UnitOption(section: "X-Fleet", name: "Global", value: "true")]
    let files = [
      FleetUnit(
        name: "a.service",
        options: options,
        desiredState: .launched,
        currentState: .launched,
        machineID: machines[1].id
      ),
      FleetUnit(name: "b@.service", options: options, desiredState: .inactive, currentState: .inactive),
      FleetUnit(name: "g.service", options: global, desiredState: .launched, currentState: .inactive),
    ]
    let hash = UnitFile(options: options).hash.short
    let globalHash = UnitFile(options: global).hash.short
    #expect(
      try UnitListing.text(files: files, machines: MachineNames(machines), layout(UnitListing.defaultFileFields)) == """
        UNIT\t\tHASH\tDSTATE\t\tSTATE\t\tTARGET
        a.service\t\(hash)\tlaunched\tlaunched\tm1aaaaaa.../10.0.0.1
        b@.service\t\(hash)\tinactive\tinactive\t-
        g.service\t\(globalHash)\tlaunched\t-\t\tglobal

        """
    )
  }

  @Test func `a status reads as systemctl's`() {
    let report = UnitStatusReport(
      name: "a.service",
      description: "Hello World",
      machineID: machines[1].id,
      loadState: "loaded",
      activeState: "active",
      subState: "running",
      sinceEpochMilliseconds: 1_795_224_225_000,
      mainProcessID: 42,
      mainStatus: "running",
      commands: [
        .init(option: "ExecStartPre", line: "/bin/true", processID: 40, status: "0/SUCCESS"),
        .init(option: "ExecStartPre", line: "/bin/sleep 9", processID: 41, status: "signal KILL"),
        .init(option: "ExecStart", line: "/bin/sleep 99", processID: 42, status: "running"),
      ],
      warnings: ["Slice= in [Service] is not carried out yet"],
      journal: [JournalLine(epochMilliseconds: 1_795_224_226_000, source: "sleep", processID: 42, text: "hi")]
    )
    let text = UnitStatusText.text(
      report,
      MachineNames(machines),
      nowEpochMilliseconds: 1_795_224_420_000,
      zone: .utc
    )
    #expect(
      text == """
        ● a.service - Hello World
           Loaded: loaded
           Active: active (running) since Sat 2026-11-21 01:23:45 UTC; 3min 15s ago
          Machine: m1aaaaaa.../10.0.0.1
          Warning: Slice= in [Service] is not carried out yet
          Process: 40 ExecStartPre=/bin/true (code=exited, status=0/SUCCESS)
          Process: 41 ExecStartPre=/bin/sleep 9 (code=killed, signal=KILL)
         Main PID: 42 (running)

        Nov 21 01:23:46 sleep[42]: hi

        """
    )
  }

  @Test(arguments: [
    (0, "0s"), (59_999, "59s"), (61_000, "1min 1s"), (3_660_000, "1h 1min"), (90_000_000, "1 day"),
    (200_000_000, "2 days"), (-5, "0s"),
  ])
  func `spans of time are short`(_ milliseconds: Int64, _ text: String) {
    #expect(TimeText.ago(milliseconds: milliseconds) == text)
  }

  @Test func `a unit is named by its name, with or without suffix, or by a path`() {
    #expect(UnitReference("hello").name == "hello.service")
    #expect(UnitReference("./dir/web@1").name == "web@1.service")
    #expect(UnitReference("./dir/web@1").templatePath == "./dir/web@.service")
    #expect(UnitReference("./dir/web@1").filePaths == ["./dir/web@1", "./dir/web@1.service"])
    #expect(UnitReference("foo.target").name == "foo.target.service")
    #expect(UnitReference("a.timer").name == "a.timer")
    #expect(UnitReference("hello").template == nil)
    #expect(UnitReference("web@.service").template == nil)
  }

  @Test func `waits grow to a quarter of a second and end at their limit`() {
    let begin = ContinuousClock.now
    var pause = PollPause(limit: .seconds(1), now: { begin })
    var waits: [Duration] = []
    while let wait = pause.next() { waits.append(wait) }
    #expect(waits.first == .milliseconds(10))
    #expect(waits.max() == .milliseconds(250))
    #expect(waits.reduce(.zero, +) == .seconds(1))
  }

  @Test func `what the looks take counts too`() {
    // Somebody is always asked for two seconds before the next wait.
    final class Looks: Sendable {
      private let begin = ContinuousClock.now
      private let count = Mutex(0)
      func now() -> ContinuousClock.Instant {
        let looks = count.withLock { count in
          count += 1
          return count - 1
        }
        return begin + .seconds(2 * looks)
      }
    }
    let looks = Looks()
    var pause = PollPause(limit: .seconds(15), now: { looks.now() })
    var waits = 0
    while pause.next() != nil { waits += 1 }
    #expect(waits == 7)
    #expect(pause.total >= .seconds(15))
  }
}
