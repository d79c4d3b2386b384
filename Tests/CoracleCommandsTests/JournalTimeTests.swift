// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import CoracleCommands

@Suite struct JournalTimeTests {
  /// 2026-11-27 16:05:30.5 UTC, a Friday.
  private static let now: Int64 = 1_795_795_530_500_000
  /// A clock two hours ahead of universal time.
  private static let east = WallClock(
    time: { WallClock.utc.time($0 + 7_200) },
    epochSeconds: { WallClock.utc.epochSeconds($0).map { $0 - 7_200 } }
  )

  private func seconds(_ text: String, _ clock: WallClock = .utc) -> Double? {
    JournalTime.parse(text, nowMicroseconds: Self.now, clock: clock).map { Double($0) / 1e6 }
  }

  @Test(arguments: [
    ("2026-11-27 12:00:00", 1_795_780_800.0), ("2026-11-27 12:00", 1_795_780_800), ("2026-11-27", 1_795_737_600),
    ("2026-11-27T12:00:00Z", 1_795_780_800), ("2026-11-27 12:00:00.25", 1_795_780_800.25),
    ("Fri 2026-11-27 12:00:00 UTC", 1_795_780_800), ("12:00", 1_795_780_800), ("12:00:07", 1_795_780_807),
    ("now", 1_795_795_530.5), ("today", 1_795_737_600), ("yesterday", 1_795_651_200), ("tomorrow", 1_795_824_000),
    ("-1h", 1_795_791_930.5), ("- 1h 30min", 1_795_790_130.5), ("+5s", 1_795_795_535.5), ("90s ago", 1_795_795_440.5),
    ("-10", 1_795_795_520.5), ("@1795780800", 1_795_780_800), ("@1795780800.5", 1_795_780_800.5),
    ("  today  ", 1_795_737_600), ("2024-02-29", 1_709_164_800),
  ])
  func `a time is read as journalctl reads it`(text: String, expected: Double) {
    #expect(seconds(text) == expected)
  }

  @Test func `a time is of the zone's clock unless it says UTC`() {
    #expect(seconds("2026-11-27 12:00", Self.east) == 1_795_773_600.0)
    #expect(seconds("2026-11-27 12:00 UTC", Self.east) == 1_795_780_800.0)
    #expect(seconds("today", Self.east) == 1_795_730_400.0)
    #expect(seconds("yesterday", Self.east) == 1_795_644_000.0)
    #expect(seconds("-1h", Self.east) == seconds("-1h"))
  }

  @Test(arguments: [
    "", " ", "soon", "2026-13-01", "2026-02-30", "26-11-27", "2026-11", "12", "25:00", "12:60", "12:00:99", "-", "-x",
    "@", "@x", "@1 2", "12:00 2026-11-27", "2026-11-27 12:00 13:00", "Fri", "1h", "2026-11-27T",
    "@99999999999999999999",
  ])
  func `what is no time is refused`(text: String) {
    #expect(seconds(text) == nil)
  }

  @Test func `this machine's clock shows what it is asked back for`() {
    let shown = WallClock.local.time(1_795_780_800)
    #expect(WallClock.local.epochSeconds(shown) == 1_795_780_800)
  }

  @Test func `the flags of unit journal take times that begin with a dash, and refuse what makes no sense`() throws {
    func parse(_ line: String) throws -> UnitCommand.Journal? {
      let words = line.split(separator: " ").map(String.init)
      return try RootCommand.parseAsRoot(["unit", "journal"] + words) as? UnitCommand.Journal
    }
    let command = try #require(try parse("web@ db -f --since -1h -n 5 --output short-iso --machine 3f"))
    #expect(command.units.units == ["web@", "db"] && command.follow && command.since == "-1h" && command.lines == 5)
    #expect(try parse("web@ --since yesterday --until today") != nil)
    for line in ["", "a --since soon", "a --until x", "a -f --until now", "a -n -1", "a -n 100001", "a --output xml"] {
      #expect(throws: (any Error).self, "\(line)") { try parse(line) }
    }
  }
}
