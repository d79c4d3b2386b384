// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Synchronization
import Testing
import Units

@testable import CoracleCommands

/// The texts are those of `fixtures/fleet/fleetctl-vs-mock.txt` and specs/fleet.md §8.2.
struct UnitSessionTests {
  private static let hello = "[Unit]\nDescription=Hello World\n\n[Service]\nExecStart=/bin/sleep 9\n"
  private let fleet = LocalFleet(machines: [
    FleetMachine(id: "m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", primaryIP: "10.0.0.1"),
    FleetMachine(id: "m2bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", primaryIP: "10.0.0.2"),
  ])
  private let record = RecordedOutput()
  private let begin = ContinuousClock.now

  private func session(_ files: [String: String] = ["hello.service": Self.hello]) -> UnitSession {
    UnitSession(
      fleet: fleet,
      inspection: fleet,
      output: record.output,
      readFile: { files[$0] },
      sleep: { _ in },
      now: { [begin] in begin },
      errorPrefix: "googleapi: "
    )
  }

  private let waiting = UnitSession.Waiting(limit: .seconds(2))

  private func unit(_ name: String) -> FleetUnit? {
    fleet.state.withLock { $0.units[name] }
  }

  // MARK: Start

  @Test func `start submits, starts and says where the unit went`() async {
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 0)
    #expect(record.out == "Unit hello.service inactive\nUnit hello.service launched on m1aaaaaa.../10.0.0.1\n")
    #expect(record.error == "")
    #expect(fleet.state.withLock { $0.puts.count } == 1)
  }

  @Test func `load places without starting`() async {
    #expect(await session().activate(["./hello.service"], target: .loaded, replace: false, waiting) == 1)
    #expect(await session().activate(["hello.service"], target: .loaded, replace: false, waiting) == 0)
    #expect(record.out == "Unit hello.service inactive\nUnit hello.service loaded on m1aaaaaa.../10.0.0.1\n")
  }

  @Test func `a unit that runs already is left alone, silently`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    let before = record.out
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 0)
    #expect(record.out == before)
  }

  @Test func `a unit no machine takes is explained machine by machine after the limit`() async {
    fleet.state.withLock { $0.stuck["hello.service"] = "conflicts with web.service" }
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 1)
    #expect(record.out == "Unit hello.service inactive\n")
    #expect(
      record.error == """
        Error waiting for units: timed out waiting for unit hello.service to report state launched
        Unit hello.service is on no machine: no machine is able to run it
          m1aaaaaa.../10.0.0.1: conflicts with web.service
          m2bbbbbb.../10.0.0.2: conflicts with web.service

        """
    )
  }

  @Test func `without blocking only the wish is stored`() async {
    let waiting = UnitSession.Waiting(isBlocking: false, limit: nil)
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 0)
    #expect(record.out == "Unit hello.service inactive\nTriggered unit hello.service start\n")
  }

  @Test func `an instance comes from the registry's template, else from the one beside its path`() async {
    let files = ["dir/web@.service": Self.hello]
    #expect(await session(files).activate(["dir/web@1"], target: .launched, replace: false, waiting) == 0)
    #expect(unit("web@1.service")?.file.unitDescription == "Hello World")
    #expect(await session(["db@.service": Self.hello]).submit(["db@.service"], replace: false) == 0)
    #expect(await session([:]).activate(["db@7"], target: .launched, replace: false, waiting) == 0)
    #expect(unit("db@7.service")?.desiredState == .launched)
  }

  @Test func `a unit that is nowhere is named`() async {
    #expect(await session([:]).activate(["x", "y@1"], target: .launched, replace: false, waiting) == 1)
    #expect(
      record.error == """
        Error creating units: unable to find Unit(x.service) in Registry or on filesystem
        Error creating units: failed getting Unit(y@1.service) from template: unable to find template \
        Unit(y@.service) in Registry or on filesystem

        """
    )
  }

  @Test func `a template cannot be started`() async {
    let files = ["py@.service": Self.hello]
    #expect(await session(files).activate(["py@.service"], target: .launched, replace: false, waiting) == 1)
    #expect(record.error == "Error creating units: googleapi: Error 400: cannot activate template \"py@.service\"\n")
    _ = await session(files).submit(["py@.service"], replace: false)
    #expect(await session(files).activate(["py@.service"], target: .launched, replace: false, waiting) == 1)
    #expect(
      record.error.hasSuffix("Error starting units: googleapi: Error 400: cannot activate template \"py@.service\"\n")
    )
  }

  @Test func `many units are started at once and reported in their order`() async {
    let names = (1...40).map { "web@\($0)" }
    fleet.state.withLock { $0.delay = 60 }
    let status = await session(["web@.service": Self.hello])
      .activate(names, target: .launched, replace: false, waiting)
    #expect(status == 0)
    #expect(record.out.split(separator: "\n").filter { $0.contains("launched on") }.count == 40)
    #expect(record.out.hasPrefix("Unit web@1.service inactive\nUnit web@2.service inactive\n"))
  }

  @Test func `a global unit is triggered and not waited for`() async {
    let files = ["g.service": Self.hello + "\n[X-Fleet]\nGlobal=true\n"]
    #expect(await session(files).activate(["g"], target: .launched, replace: false, waiting) == 0)
    #expect(record.out == "Unit g.service inactive\nTriggered global unit g.service start\n")
    #expect(await session(files).activate(["g"], target: .launched, replace: false, waiting) == 0)
    #expect(await session(files).deactivate(["g"], target: .loaded, waiting) == 0)
    #expect(record.out.hasSuffix("Triggered global unit g.service start\nTriggered global unit g.service stop\n"))
  }

  @Test func `what a unit waits for is said while it waits, once`() async {
    fleet.state.withLock { $0.stuck["hello.service"] = "conflicts with web.service" }
    let waiting = UnitSession.Waiting(limit: .seconds(20))
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 1)
    let lines = record.error.split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(3) == [
        "Waiting: Unit hello.service is on no machine: no machine is able to run it",
        "  m1aaaaaa.../10.0.0.1: conflicts with web.service", "  m2bbbbbb.../10.0.0.2: conflicts with web.service",
      ]
    )
    #expect(lines.filter { $0.hasPrefix("Waiting: ") }.count == 1)
    #expect(lines.contains { $0.hasPrefix("Error waiting for units: timed out waiting for unit hello.service") })
  }

  @Test func `a node or store that is away for a moment does not end the wait`() async {
    fleet.state.withLock { $0.outage = (.storeUnreachable, looks: 20) }
    let waiting = UnitSession.Waiting(limit: .seconds(60))
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 0)
    #expect(record.out.hasSuffix("Unit hello.service launched on m1aaaaaa.../10.0.0.1\n"))
    #expect(
      record.error == "Waiting: googleapi: Error 503: fleet server unable to communicate with etcd\n",
      "an outage of more than two seconds is told, once"
    )
  }

  @Test(arguments: [FleetAPIError.storeUnreachable, .unreachable("connection refused")])
  func `a node or store that stays away ends the wait`(error: FleetAPIError) async {
    fleet.state.withLock { $0.outage = (error, looks: .max) }
    let waiting = UnitSession.Waiting(limit: nil)
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 1)
    #expect(record.error.hasSuffix("Error waiting for units: \(session().text(error))\n"), "\(record.error)")
  }

  @Test func `an error that is an answer ends the wait at once`() async {
    fleet.state.withLock { $0.outage = (.failed("no"), looks: 1) }
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 1)
    #expect(record.error == "Error waiting for units: googleapi: Error 500: no\n")
  }

  @Test func `a unit that failed as soon as it was launched is told`() async {
    fleet.state.withLock { _ = $0.failed.insert("hello.service") }
    #expect(await session().activate(["hello"], target: .launched, replace: false, waiting) == 0)
    #expect(record.error == "WARNING: Unit hello.service has failed on m1aaaaaa.../10.0.0.1; see its status\n")
  }

  // MARK: Restart

  @Test func `restart stops a unit, waits until it is down, and starts it`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    fleet.state.withLock { $0.slowToStop["hello.service"] = 3 }
    #expect(await session().restart(["hello"], waiting) == 0)
    #expect(
      record.out.hasSuffix(
        "Unit hello.service loaded on m1aaaaaa.../10.0.0.1\nUnit hello.service launched on m1aaaaaa.../10.0.0.1\n"
      )
    )
    #expect(record.error == "Unit(hello.service) was restarted.\n")
    #expect(fleet.state.withLock { $0.puts.suffix(2).map(\.desiredState) } == ["loaded", "launched"])
    #expect(fleet.state.withLock { $0.slowToStop["hello.service"] } == 0)
  }

  @Test func `a unit that does not stop is told, and is wanted again`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    fleet.state.withLock { $0.slowToStop["hello.service"] = 1_000 }
    #expect(await session().restart(["hello"], waiting) == 1)
    #expect(
      record.error == "Error waiting for units: unit hello.service does not stop: "
        + "it is deactivating (stop-sigterm) on m1aaaaaa...\n"
    )
    #expect(unit("hello.service")?.desiredState == .launched)
  }

  @Test func `restart starts what is stopped, and refuses what is on no machine`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    _ = await session().deactivate(["hello"], target: .loaded, waiting)
    #expect(await session().restart(["hello"], waiting) == 0)
    #expect(unit("hello.service")?.desiredState == .launched)
    _ = await session().deactivate(["hello"], target: .inactive, waiting)
    #expect(await session().restart(["hello"], waiting) == 1)
    #expect(record.error.hasSuffix("Unable to restart unit hello.service in state inactive\n"))
    #expect(await session().restart(["x"], waiting) == 0)
    #expect(record.error.hasSuffix("Units not found in registry\n"))
  }

  @Test func `a global unit is restarted everywhere`() async {
    let files = ["g.service": Self.hello + "\n[X-Fleet]\nGlobal=true\n"]
    _ = await session(files).activate(["g"], target: .launched, replace: false, waiting)
    #expect(await session(files).restart(["g"], waiting) == 0)
    #expect(record.out.hasSuffix("Triggered global unit g.service stop\nTriggered global unit g.service start\n"))
  }

  // MARK: Names

  @Test func `braces and patterns name many units`() async {
    let files = ["web@.service": Self.hello]
    #expect(await session(files).activate(["web@{1..3}"], target: .launched, replace: false, waiting) == 0)
    #expect(await session(files).submit(["db@1", "web@.service"], replace: false) == 1)
    #expect(await session(files).deactivate(["web@[12]*", "web@1"], target: .loaded, waiting) == 0)
    #expect(record.error.hasSuffix("Successfully stopped units [web@1.service web@2.service].\n"))
    #expect(await session(files).destroy(["web@?", "nothing*"], waiting) == 0)
    #expect(record.error.hasSuffix("No unit matches nothing*\n"))
    #expect(record.out.hasSuffix("Destroyed web@1.service\nDestroyed web@2.service\nDestroyed web@3.service\n"))
    #expect(unit("web@.service") != nil)
  }

  @Test func `a server that cannot be reached is told without the words of an answer`() async {
    fleet.state.withLock { $0.failure = .unreachable("Get http://h:1/fleet/v1/units: dial tcp h:1: refused") }
    #expect(await session().deactivate(["hello"], target: .loaded, waiting) == 1)
    #expect(
      record.error
        == "Error retrieving list of units from repository: Get http://h:1/fleet/v1/units: dial tcp h:1: refused\n"
    )
  }

  // MARK: Submit

  @Test func `submit stores units and is silent about those that are there`() async {
    #expect(await session().submit(["hello", "hello.service"], replace: false) == 0)
    #expect(await session().submit(["hello"], replace: false) == 0)
    #expect(record.out == "Unit hello.service inactive\n")
    #expect(await session().submit([], replace: false) == 0)
    #expect(record.error == "No units given\n")
  }

  @Test func `what is not carried out is said at submit`() async {
    let files = ["a.service": Self.hello + "DynamicUser=yes\n\n[X-Fleet]\nMachineMeta=a=b\n"]
    #expect(await session(files).submit(["a"], replace: false) == 0)
    #expect(record.error.contains("WARNING: Unit a.service: DynamicUser= in [Service] is not carried out yet"))
    #expect(record.error.contains("WARNING: Unit a.service: MachineMeta= in [X-Fleet] is unknown"))
  }

  @Test func `a broken unit file is named with its line`() async {
    #expect(await session(["a.service": "[Unit]\nDescription\n"]).submit(["a"], replace: false) == 1)
    #expect(
      record.error == "Error creating units: a.service:2: unexpected newline encountered while parsing option name\n"
    )
  }

  @Test func `a file that differs is only told, unless it is to replace`() async {
    _ = await session().submit(["hello"], replace: false)
    let changed = ["hello.service": Self.hello.replacing("World", with: "Moon")]
    #expect(await session(changed).submit(["hello"], replace: false) == 0)
    #expect(
      record.error == """
        WARNING: Unit hello.service in registry differs from local unit file hello.service. Add --replace to override.

        """
    )
    #expect(unit("hello.service")?.file.unitDescription == "Hello World")
    #expect(await session(changed).submit(["hello"], replace: true) == 0)
    #expect(unit("hello.service")?.file.unitDescription == "Hello Moon")
    #expect(await session(changed).submit(["hello"], replace: true) == 0)
    #expect(record.out.hasSuffix("Found same Unit(hello.service) in Registry, nothing to do\n"))
  }

  @Test func `submit does not replace what runs`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    let changed = ["hello.service": Self.hello.replacing("World", with: "Moon")]
    #expect(await session(changed).submit(["hello"], replace: true) == 0)
    #expect(
      record.error
        == "Warning: can not replace Unit(hello.service) in state 'launched', use the appropriate command\n"
    )
  }

  // MARK: Stop, unload, destroy

  @Test func `stop takes a unit to loaded`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    #expect(await session().deactivate(["hello"], target: .loaded, waiting) == 0)
    #expect(record.out.hasSuffix("Unit hello.service loaded on m1aaaaaa.../10.0.0.1\n"))
    #expect(record.error == "Successfully stopped units [hello.service].\n")
  }

  @Test func `stop refuses a unit that is on no machine and goes on with the others`() async {
    _ = await session().submit(["hello"], replace: false)
    _ = await session(["b.service": Self.hello]).activate(["b"], target: .launched, replace: false, waiting)
    #expect(await session().deactivate(["hello", "b"], target: .loaded, waiting) == 1)
    #expect(
      record.error == """
        Unable to stop unit hello.service in state inactive
        Successfully stopped units [b.service].

        """
    )
  }

  @Test func `a unit that was asked to start and has not yet is stopped too`() async {
    fleet.state.withLock { $0.stuck["hello.service"] = "full" }
    let noBlock = UnitSession.Waiting(isBlocking: false, limit: nil)
    _ = await session().activate(["hello"], target: .launched, replace: false, noBlock)
    _ = await session().deactivate(["hello"], target: .loaded, noBlock)
    #expect(unit("hello.service")?.desiredState == .loaded)
  }

  @Test func `unload takes a unit off its machine`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    #expect(await session().deactivate(["hello"], target: .inactive, waiting) == 0)
    #expect(record.out.hasSuffix("Unit hello.service inactive\n"))
    #expect(record.error == "Successfully unloaded units [hello.service].\n")
  }

  @Test func `unknown units are left out`() async {
    #expect(await session().deactivate(["x"], target: .loaded, waiting) == 0)
    #expect(record.error == "Units not found in registry\n")
    #expect(await session().destroy(["x"], waiting) == 0)
    #expect(record.out == "")
  }

  @Test func `destroy removes units and says so`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    #expect(await session().destroy(["hello", "x"], waiting) == 0)
    #expect(record.out.hasSuffix("Destroyed hello.service\n"))
    #expect(unit("hello.service") == nil)
  }

  @Test func `stop, start and destroy change many units at once and print them in order`() async {
    let names = (1...3).map { "u\($0).service" }
    let session = session(Dictionary(uniqueKeysWithValues: names.map { ($0, Self.hello) }))
    _ = await session.activate(names, target: .launched, replace: false, waiting)
    let changes = [
      { @Sendable in await session.deactivate(names, target: .loaded, waiting) },
      { @Sendable in await session.activate(names, target: .launched, replace: false, waiting) },
      { @Sendable in await session.destroy(names, waiting) },
    ]
    for change in changes {
      fleet.state.withLock {
        $0.mostUnderWay = 0
        $0.wantedAtOnce = 3
      }
      #expect(await change() == 0)
      #expect(fleet.state.withLock { $0.mostUnderWay } == 3)
    }
    #expect(record.out.hasSuffix("Destroyed u1.service\nDestroyed u2.service\nDestroyed u3.service\n"))
  }

  // MARK: Showing

  @Test func `cat prints the file and nothing else`() async {
    _ = await session().submit(["hello"], replace: false)
    let before = record.out
    #expect(await session().cat(["hello"]) == 0)
    #expect(record.out == before + Self.hello)
    #expect(await session().cat(["x"]) == 1)
    #expect(await session().cat([]) == 1)
    #expect(record.error == "Unit x.service not found\nOne unit file must be provided\n")
  }

  @Test func `a server that fails is told as the original does`() async {
    fleet.state.withLock { $0.failure = .unavailable("fleet server unable to communicate with etcd") }
    let layout = ListingLayout(fieldNames: MachineListing.defaultFields)
    #expect(await session().listMachines(layout) == 1)
    #expect(
      record.error == """
        Error retrieving list of active machines from fleet API (googleapi: Error 503: fleet server unable to \
        communicate with etcd)
        Possible issues:
          etcd is unhealthy and/or lost quorum
          connection cannot be established to any etcd servers

        """
    )
  }

  @Test func `the status of a unit nobody has is told apart from one nobody knows`() async {
    _ = await session().submit(["hello"], replace: false)
    #expect(await session().status(["hello", "x"], format: .table, nowEpochMilliseconds: 0) == 1)
    #expect(record.error == "Unit hello.service does not appear to be loaded.\nUnit x.service does not exist.\n")
    #expect(await session().journal(["hello"], lines: 10, follow: false, style: .short) == 1)
    #expect(record.error.hasSuffix("Unit hello.service does not appear to be running.\n"))
  }

  @Test func `a journal is printed line by line`() async {
    fleet.state.withLock {
      $0.lines = [
        JournalLine(epochMilliseconds: 0, source: "sh", processID: 7, text: "a"),
        JournalLine(epochMilliseconds: 0, source: "sh", text: "b"),
      ]
    }
    #expect(await session().journal(["hello"], lines: 1, follow: false, style: .cat) == 0)
    #expect(record.out == "b\n")
  }

  @Test func `explain says where a unit is or why it is nowhere`() async {
    _ = await session().activate(["hello"], target: .launched, replace: false, waiting)
    let before = record.out
    #expect(await session().explain(["hello"], format: .table) == 0)
    #expect(
      record.out == before + """
        Unit hello.service: wanted launched, is launched
        Machine: m1aaaaaa.../10.0.0.1
        runs where it was placed

        """
    )
  }
}
