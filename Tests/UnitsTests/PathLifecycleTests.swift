// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// A path unit whose paths are looked at by hand.
private struct PathUnit {
  var machine: PathLifecycle
  var now = UnitMoment(sinceBoot: .seconds(100))

  init(_ text: String) throws {
    let reading = ServiceReading(try UnitFile(parsing: "[Path]\n\(text)"), name: try UnitName("a.path"))
    guard case .path(let definition) = reading.kind, reading.findings.isEmpty else {
      throw UnitNameError.empty
    }
    machine = PathLifecycle(definition)
  }

  mutating func start() -> String { line { $0.start(at: $1) } }
  mutating func stop() -> String { line { $0.stop(at: $1) } }
  mutating func seen(_ found: Bool...) -> String { line { $0.pathsSeen(found, at: $1) } }
  mutating func event(_ isChange: Bool) -> String { line { $0.pathEvent(isChange: isChange, at: $1) } }
  mutating func other(_ sub: UnitActivity.SubState, _ result: ServiceResult = .success) -> String {
    line { $0.triggeredChanged(to: UnitActivity(sub: sub, result: result), at: $1) }
  }

  mutating func line(_ body: (inout PathLifecycle, UnitMoment) -> [PassiveDirective]) -> String {
    let directives = body(&machine, now)
    let words = directives.map { directive in
      switch directive {
      case .startUnit(let name): "start \(name)"
      case .watchPaths: "watch"
      case .leavePaths: "leave"
      case .makeDirectories: "make"
      default: "\(directive)"
      }
    }
    let result = machine.activity.result == .success ? "" : " (\(machine.activity.result.rawValue))"
    return (words + ["= \(machine.activity.sub.rawValue)\(result)"]).joined(separator: "; ")
  }
}

@Suite struct PathLifecycleTests {
  @Test func `what is there already starts the unit at once`() throws {
    var unit = try PathUnit("PathExists=/a")
    #expect(unit.start() == "watch; = dead")
    #expect(unit.seen(true) == "leave; start a.service; = running")
    #expect(unit.other(.running) == "= running")
    #expect(unit.other(.dead) == "watch; = running")
    #expect(unit.seen(false) == "= waiting")
    #expect(unit.event(false) == "watch; = waiting")
    #expect(unit.seen(true) == "leave; start a.service; = running")
    #expect(unit.stop() == "leave; = dead")
    #expect(unit.event(true) == "= dead")
  }

  @Test func `one of several is enough`() throws {
    var unit = try PathUnit("PathExists=/a\nPathExistsGlob=/b*\nDirectoryNotEmpty=/c\nUnit=other.service")
    _ = unit.start()
    #expect(unit.seen(false, false, false) == "= waiting")
    #expect(unit.event(false) == "watch; = waiting")
    #expect(unit.seen(false, false, true) == "leave; start other.service; = running")
  }

  @Test func `a change counts, being there does not`() throws {
    var unit = try PathUnit("PathChanged=/a")
    _ = unit.start()
    #expect(unit.seen(true) == "= waiting")
    #expect(unit.event(true) == "leave; start a.service; = running")
    #expect(unit.other(.start) == "= running")
    // What happened while the unit was up is not made up for.
    #expect(unit.other(.dead) == "watch; = running")
    #expect(unit.seen(false) == "= waiting")
    // That it has come is a change, seen from the directory above.
    #expect(unit.event(false) == "watch; = waiting")
    #expect(unit.seen(true) == "leave; start a.service; = running")
  }

  @Test func `while its unit is up it looks out for nothing`() throws {
    var unit = try PathUnit("PathExists=/a")
    _ = unit.other(.running)
    #expect(unit.start() == "leave; = running")
    #expect(unit.event(true) == "= running")
    #expect(unit.other(.failed, .exitCode) == "watch; = running")
    #expect(unit.seen(false) == "= waiting")
    #expect(unit.other(.startPre) == "leave; = running")
    #expect(unit.other(.autoRestart) == "= running")
  }

  @Test func `it fails with its unit's limit, with its own, and when the unit cannot be started`() throws {
    var unit = try PathUnit("PathExists=/a\nTriggerLimitBurst=2\nTriggerLimitIntervalSec=10")
    _ = unit.start()
    for _ in 1...2 {
      #expect(unit.seen(true) == "leave; start a.service; = running")
      #expect(unit.other(.dead) == "watch; = running")
    }
    #expect(unit.seen(true) == "leave; = failed (trigger-limit-hit)")
    #expect(unit.other(.dead) == "= failed (trigger-limit-hit)")
    unit.now.sinceBoot += .seconds(10)
    #expect(unit.start() == "watch; = failed")
    #expect(unit.seen(true) == "leave; start a.service; = running")
    #expect(unit.other(.failed, .startLimitHit) == "leave; = failed (unit-start-limit-hit)")
    _ = unit.start()
    _ = unit.seen(true)
    #expect(unit.line { $0.triggeredRefused(at: $1) } == "leave; = failed (resources)")
    _ = unit.start()
    #expect(unit.line { $0.watchFailed(at: $1) } == "leave; = failed (resources)")
  }

  @Test func `it is taken up again as it was left`() throws {
    var unit = try PathUnit("PathChanged=/a\nMakeDirectory=yes")
    #expect(unit.start() == "make; watch; = dead")
    _ = unit.seen(false)
    guard case .path(let kept) = unit.machine.kept else { return }
    unit.machine = PathLifecycle(unit.machine.definition, resuming: kept)
    #expect(unit.line { $0.resumed(at: $1) } == "watch; = waiting")
    #expect(unit.seen(true) == "= waiting")
  }

  @Test func `what a path unit's file says`() throws {
    let reading = ServiceReading(
      try UnitFile(
        parsing: """
          [Path]
          PathExists=/gone
          PathExists=
          PathChanged=/run/%i
          PathModified=relative
          DirectoryMode=0700
          Unit=b.path
          PathChnaged=/x
          """
      ),
      name: try UnitName("a@1.path")
    )
    guard case .path(let definition) = reading.kind else {
      Issue.record("no path unit")
      return
    }
    #expect(definition.watches == [PathDefinition.Watch(kind: .changed, path: "/run/1")])
    #expect(definition.directoryMode == 0o700)
    #expect(definition.unit == "a@1.service")
    #expect(reading.definition.dependencies[.before] == ["a@1.service"])
    #expect(
      reading.findings == [
        .ignoredValue(section: "Path", name: "PathModified", value: "relative", expected: "an absolute path"),
        .ignoredValue(
          section: "Path",
          name: "Unit",
          value: "b.path",
          expected: "the name of a unit that is no path unit"
        ),
        .unknown(section: "Path", name: "PathChnaged", suggestion: "PathChanged="),
      ]
    )
    let empty = ServiceReading(try UnitFile(parsing: "[Path]\nUnit=b.service"), name: try UnitName("a.path"))
    #expect(empty.errors.count == 1)
  }
}
