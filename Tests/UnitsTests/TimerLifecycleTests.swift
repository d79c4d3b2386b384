// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// A timer with clocks that are moved by hand: the machine was booted at 100,000 s after the epoch.
private struct TimerScript {
  var machine: TimerLifecycle
  var sinceBoot: Duration
  var sinceEpoch: Duration

  init(
    _ text: String,
    at seconds: Int64 = 1000,
    surroundings: TimerSurroundings = TimerSurroundings(startup: .seconds(20)),
    resuming snapshot: TimerLifecycle.Snapshot? = nil
  ) throws {
    let reading = ServiceReading(try UnitFile(parsing: "[Timer]\n\(text)"), name: try UnitName("a.timer"))
    try #require(reading.findings.isEmpty)
    guard case .timer(let definition) = reading.kind else { throw UnitNameError.empty }
    machine = TimerLifecycle(definition, name: reading.definition.name, surroundings: surroundings, resuming: snapshot)
    sinceBoot = .seconds(seconds)
    sinceEpoch = .seconds(100_000 + seconds)
  }

  var now: UnitMoment { UnitMoment(sinceBoot: sinceBoot, sinceEpoch: sinceEpoch) }
  var snapshot: TimerLifecycle.Snapshot? { if case .timer(let kept) = machine.kept { kept } else { nil } }

  mutating func pass(_ duration: Duration) {
    sinceBoot += duration
    sinceEpoch += duration
  }

  mutating func start() -> String { line { $0.start(at: $1) } }
  mutating func stop() -> String { line { $0.stop(at: $1) } }
  mutating func refused() -> String { line { $0.triggeredRefused(at: $1) } }
  mutating func clockSet(by duration: Duration) -> String {
    sinceEpoch += duration
    return line { $0.clockChanged(at: $1) }
  }

  /// Goes to the next moment.
  mutating func fire() -> String {
    if let deadline = machine.deadline, deadline > sinceBoot { pass(deadline - sinceBoot) }
    return line { $0.timerFired(at: $1) }
  }

  mutating func unit(_ sub: UnitActivity.SubState) -> String {
    line { $0.triggeredChanged(to: UnitActivity(sub: sub), at: $1) }
  }

  /// The unit is started and ends after a while.
  mutating func unitRuns(for duration: Duration) -> String {
    _ = unit(.running)
    pass(duration)
    return unit(.dead)
  }

  private mutating func line(_ input: (inout TimerLifecycle, UnitMoment) -> [PassiveDirective]) -> String {
    var words = input(&machine, now).map { directive in
      switch directive {
      case .startUnit(let name): "start \(name)"
      case .keepStamp(let stamp): "stamp \(stamp.wholeMicroseconds / 1_000_000)"
      default: "\(directive)"
      }
    }
    let result = machine.activity.result == .success ? "" : " (\(machine.activity.result.rawValue))"
    let next = machine.deadline.map { " until \($0.wholeMicroseconds / 1_000_000)" } ?? ""
    words.append("= \(machine.activity.sub.rawValue)\(result)\(next)")
    return words.joined(separator: "; ")
  }
}

@Suite struct TimerLifecycleTests {
  @Test func `a timer waits, starts its unit, and waits again once that is down`() throws {
    var timer = try TimerScript("OnActiveSec=10\nOnUnitActiveSec=60")
    #expect(timer.start() == "= waiting until 1010")
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.unit(.running) == "= running")
    timer.pass(.seconds(5))
    #expect(timer.unit(.dead) == "= waiting until 1070")
    #expect(timer.fire() == "start a.service; = running")
    // A unit that runs for longer than the time between is started again when it has ended.
    #expect(timer.unitRuns(for: .seconds(100)) == "= waiting until 1130")
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.stop() == "= dead")
    #expect(timer.unit(.dead) == "= dead")
  }

  @Test func `a length of time after the boot or the node's start that has passed elapses at once, and once`() throws {
    var timer = try TimerScript("OnBootSec=15min\nOnStartupSec=1h\nUnit=b.target")
    #expect(timer.start() == "= waiting until 900")
    #expect(timer.fire() == "start b.target; = running")
    #expect(timer.unitRuns(for: .zero) == "= waiting until 3620")
    #expect(timer.fire() == "start b.target; = running")
    timer.pass(.seconds(1))
    #expect(timer.unitRuns(for: .zero) == "= elapsed")
    #expect(timer.start() == "= elapsed")
    #expect(timer.stop() == "= dead")
    // What was counted from the boot does not come again with another start.
    #expect(timer.start() == "= elapsed")
  }

  @Test func `a length of time after the unit's end counts from there, whoever started it`() throws {
    var timer = try TimerScript("OnUnitInactiveSec=30")
    #expect(timer.start() == "= elapsed")
    #expect(timer.unit(.running) == "= elapsed")
    timer.pass(.seconds(7))
    #expect(timer.unit(.dead) == "= waiting until 1037")
    timer.pass(.seconds(10))
    #expect(timer.unit(.running) == "= waiting until 1037")
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.unit(.dead) == "= waiting until 1067")
  }

  @Test func `without RemainAfterElapse a timer that is through is dead`() throws {
    var timer = try TimerScript("OnActiveSec=1\nRemainAfterElapse=no")
    #expect(timer.start() == "= waiting until 1001")
    #expect(timer.fire() == "start a.service; = running")
    timer.pass(.seconds(1))
    #expect(timer.unitRuns(for: .zero) == "= dead")
    // It counts from each start anew.
    #expect(timer.start() == "= waiting until 1003")
  }

  @Test func `a calendar elapses by the clock, and after the clock was set by the new one`() throws {
    // The epoch's 101,000 s are 04:03:20 on 2 January 1970.
    var timer = try TimerScript("OnCalendar=*:0/10")
    #expect(timer.start() == "= waiting until 1400")
    #expect(timer.clockSet(by: .seconds(300)) == "= waiting until 1100")
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.unitRuns(for: .zero) == "= waiting until 1700")
    // Set back by a day, it would be still for a day.
    #expect(timer.clockSet(by: .seconds(-86_400)) == "= waiting until 1700")
    // Set forward over moments, it elapses once for all of them, at once.
    #expect(timer.clockSet(by: .seconds(3600)) == "= waiting until 20")
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.unitRuns(for: .zero) == "= waiting until 1700")
  }

  @Test func `a clock that is set back holds no timer up, whoever notices it`() throws {
    // Before it has elapsed, it counts from its start.
    var timer = try TimerScript("OnCalendar=*:0/10")
    #expect(timer.start() == "= waiting until 1400")
    #expect(timer.clockSet(by: .seconds(-86_400)) == "= waiting until 1400")
    #expect(timer.fire() == "start a.service; = running")
    _ = timer.unitRuns(for: .zero)

    var resumed = try TimerScript("OnCalendar=*:0/10")
    _ = resumed.start()
    resumed = try TimerScript("OnCalendar=*:0/10", resuming: resumed.snapshot)
    resumed.sinceEpoch -= .seconds(86_400)
    #expect(resumed.machine.resumed(at: resumed.now).isEmpty && resumed.machine.deadline == .seconds(1400))

    var untold = try TimerScript("OnCalendar=*:0/10")
    _ = untold.start()
    untold.sinceEpoch -= .seconds(86_400)
    #expect(untold.fire() == "= waiting until 2000")
  }

  @Test func `what a clock shows twice elapses once, although the timer was late`() throws {
    // Clocks in Berlin are put back at 01:00 UTC on 25 October 1970, day 297.
    let night: Int64 = 297 * 86_400 - 100_000
    let zones = TimeZoneTable(local: try #require(TimeZoneRules(rule: "CET-1CEST,M3.5.0,M10.5.0/3")))
    func script(_ text: String, at seconds: Int64) throws -> TimerScript {
      try TimerScript(text, at: seconds, surroundings: TimerSurroundings(zones: zones, startup: .seconds(20)))
    }
    var timer = try script("OnCalendar=2:30", at: night)
    #expect(timer.start() == "= waiting until \(night + 1800)")
    // 02:15 for the second time.
    timer.pass(.seconds(4500))
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.unitRuns(for: .zero) == "= waiting until \(night + 86_400 + 5400)")
    var often = try script("OnCalendar=*:0/10", at: night + 1000)
    _ = often.start()
    often.pass(.seconds(3500))
    _ = often.fire()
    #expect(often.unitRuns(for: .zero) == "= waiting until \(night + 7200)")
    // One that is started only then has missed the first time.
    var late = try script("OnCalendar=2:30", at: night + 4500)
    #expect(late.start() == "= waiting until \(night + 5400)")
  }

  @Test func `a clock that runs slowly is waited for`() throws {
    var timer = try TimerScript("OnCalendar=*:0/10")
    #expect(timer.start() == "= waiting until 1400")
    timer.pass(.seconds(300))
    timer.sinceEpoch -= .seconds(2)
    timer.pass(.seconds(100))
    #expect(timer.fire() == "= waiting until 1402")
    #expect(timer.fire() == "start a.service; = running")
  }

  @Test func `OnClockChange elapses whenever the clock is set`() throws {
    var timer = try TimerScript("OnClockChange=yes")
    #expect(timer.start() == "= waiting")
    #expect(timer.clockSet(by: .seconds(1)) == "start a.service; = running")
    #expect(timer.clockSet(by: .seconds(1)) == "= running")
    #expect(timer.unitRuns(for: .zero) == "= waiting")
  }

  @Test func `the earliest of several times counts, and an empty one takes all back`() throws {
    var timer = try TimerScript("OnCalendar=hourly\nOnActiveSec=20min\nOnCalendar=*:0/30\nOnBootSec=40min")
    #expect(timer.start() == "= waiting until 2200")
    #expect(timer.fire() == "start a.service; = running")
    timer.pass(.seconds(1))
    #expect(timer.unitRuns(for: .zero) == "= waiting until 2400")
    var other = try TimerScript("OnCalendar=*:*\nOnActiveSec=1\nOnBootSec=\nOnActiveSec=2")
    #expect(other.start() == "= waiting until 1002")
  }

  @Test func `a persistent timer makes up for what was missed, once`() throws {
    let text = "OnCalendar=hourly\nPersistent=yes"
    var first = try TimerScript(text)
    // Nothing was missed before it was started for the first time.
    #expect(first.start() == "stamp 101000; = waiting until 4400")
    #expect(first.fire() == "stamp 104400; start a.service; = running")
    // Three days later, after another boot.
    var second = try TimerScript(
      text,
      surroundings: TimerSurroundings(startup: .seconds(20), stamp: .seconds(100_000 - 3 * 86_400))
    )
    #expect(second.start() == "= waiting until 20")
    #expect(second.fire() == "stamp 101000; start a.service; = running")
    #expect(second.unitRuns(for: .seconds(1)) == "= waiting until 4400")
    // A stamp of the future counts for nothing.
    var third = try TimerScript(text, surroundings: TimerSurroundings(stamp: .seconds(1 << 30)))
    #expect(third.start() == "= waiting until 4400")
    // Without Persistent nobody asks.
    var other = try TimerScript("OnCalendar=hourly", surroundings: TimerSurroundings(stamp: .zero))
    #expect(other.start() == "= waiting until 4400")
  }

  @Test func `a random delay is within its limit, and a fixed one always the same on a machine`() throws {
    func delays(_ text: String, seed: UInt64, machineID: String = "m") throws -> [Duration] {
      var timer = try TimerScript(
        "OnCalendar=*:0/10\nRandomizedDelaySec=100\n\(text)",
        surroundings: TimerSurroundings(seed: seed, machineID: machineID)
      )
      return try (0..<20).map { _ in
        _ = timer.start()
        let deadline = try #require(timer.machine.deadline)
        _ = timer.stop()
        return deadline - .seconds(1400)
      }
    }
    let random = try delays("", seed: 1)
    #expect(random.allSatisfy { $0 >= .zero && $0 < .seconds(100) })
    #expect(Set(random).count > 15)
    #expect(try delays("", seed: 1) == random)
    let fixed = try delays("FixedRandomDelay=yes", seed: 1)
    #expect(Set(fixed).count == 1)
    #expect(try delays("FixedRandomDelay=yes", seed: 2) == fixed)
    #expect(try delays("FixedRandomDelay=yes", seed: 1, machineID: "n") != fixed)
  }

  @Test func `a unit that cannot be started makes the timer fail`() throws {
    var timer = try TimerScript("OnActiveSec=1")
    _ = timer.start()
    #expect(timer.refused() == "= waiting until 1001")
    #expect(timer.fire() == "start a.service; = running")
    #expect(timer.refused() == "= failed (resources)")
    #expect(timer.start() == "= waiting until 1002")
  }

  @Test func `a timer goes on as it was left`() throws {
    var timer = try TimerScript("OnActiveSec=10\nOnUnitActiveSec=60")
    _ = timer.start()
    var same = try TimerScript("OnActiveSec=10\nOnUnitActiveSec=60", at: 1005, resuming: timer.snapshot)
    #expect(same.machine.resumed(at: same.now).isEmpty)
    #expect(same.fire() == "start a.service; = running")
    same = try TimerScript("OnActiveSec=10\nOnUnitActiveSec=60", at: 1050, resuming: same.snapshot)
    #expect(same.unit(.dead) == "= waiting until 1070")
  }
}

@Suite struct TimerReadingTests {
  private func findings(_ text: String) throws -> [String] {
    ServiceReading(try UnitFile(parsing: "[Timer]\n\(text)"), name: try UnitName("a.timer")).findings.map(\.description)
  }

  @Test func `a timer's own settings are read`() throws {
    let text = """
      [Unit]
      Description=Every night
      [Timer]
      OnCalendar=Mon..Fri 22:00 Europe/Berlin
      OnCalendar=Sat,Sun 23:00
      OnUnitInactiveSec=1h 30min
      AccuracySec=1us
      RandomizedDelaySec=5min
      FixedRandomDelay=yes
      Persistent=true
      RemainAfterElapse=no
      Unit=%p-job.service
      [Install]
      WantedBy=timers.target
      """
    let reading = ServiceReading(try UnitFile(parsing: text), name: try UnitName("night.timer"))
    #expect(reading.findings.isEmpty)
    guard case .timer(let timer) = reading.kind else { throw UnitNameError.empty }
    #expect(timer.calendar.map(\.description) == ["Mon..Fri *-*-* 22:00:00 Europe/Berlin", "Sat,Sun *-*-* 23:00:00"])
    #expect(timer.delays == [TimerDefinition.Delay(base: .unitInactive, duration: .seconds(5400))])
    #expect(timer.triggered == "night-job.service" && timer.zoneNames == ["Europe/Berlin"])
    #expect(timer.accuracy == .microseconds(1) && timer.randomizedDelay == .seconds(300))
    #expect(timer.isPersistent && timer.hasFixedRandomDelay && !timer.remainsAfterElapse)
    #expect(reading.definition.description == "Every night")
    #expect(TimerDefinition(name: try UnitName("a@1.timer")).triggered == "a@1.service")
  }

  @Test func `what is wrong with a timer is said once, with what it should be`() throws {
    #expect(
      try findings("OnCalendar=25:00") == [
        "OnCalendar=25:00 in [Timer]: expected a calendar expression such as Mon..Fri *-*-* 09:00, but \"25\" is no hour,"
          + " which is from 0 to 23",
        Self.nothing,
      ]
    )
    #expect(try findings("OnBootSec=soon").first == "OnBootSec=soon in [Timer]: expected a time span such as 5min 20s")
    #expect(try findings("AccuracySec=1s") == [Self.nothing])
    #expect(try findings("OnBootSec=1\nOnCalendar=") == [Self.nothing])
    #expect(
      try findings("OnBootSec=1\nUnit=b.timer")
        == ["Unit=b.timer in [Timer]: expected a unit of another type than timer"]
    )
    #expect(
      try findings("OnBootSec=1\nPersistent=maybe") == ["Persistent=maybe in [Timer]: expected yes or no"]
    )
    #expect(
      try findings("OnBootSec=1\nWakeSystem=yes") == [
        "WakeSystem= in [Timer] is not carried out yet and has no effect: timers do not wake a machine that sleeps"
      ]
    )
  }

  private static let nothing =
    "the timer never elapses: it has none of OnActiveSec=, OnBootSec=, OnStartupSec=, OnUnitActiveSec=,"
    + " OnUnitInactiveSec=, OnCalendar=, OnClockChange="
}
