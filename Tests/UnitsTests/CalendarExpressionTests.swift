// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Units

@Suite struct CalendarExpressionTests {
  /// The rules these zones have gone by since 2008, so that no test depends on the machine's own zone files.
  private static let rules = [
    "UTC": "UTC0", "Europe/Berlin": "CET-1CEST,M3.5.0,M10.5.0/3", "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "EST5EDT": "EST5EDT,M3.2.0,M11.1.0", "Asia/Kolkata": "IST-5:30",
    "Australia/Lord_Howe": "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
  ]

  private static func zones(local: String) throws -> TimeZoneTable {
    let rule = try #require(rules[local])
    var table = TimeZoneTable(local: try #require(TimeZoneRules(rule: rule)))
    for (name, rule) in rules { table.named[name] = TimeZoneRules(rule: rule) }
    return table
  }

  /// Microseconds since the epoch of `2026-11-27 16:00:00`.
  private static func instant(_ text: String) throws -> Int64 {
    let numbers = text.split { "- :".contains($0) }.compactMap { Int64($0) }
    try #require(numbers.count == 6)
    let seconds = numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
    return CivilTime(
      year: Int(numbers[0]),
      month: Int(numbers[1]),
      day: Int(numbers[2]),
      microseconds: seconds * 1_000_000
    ).microsecondsOnClock
  }

  private static func text(_ instant: Int64) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let time = CivilTime(microsecondsOnClock: instant)
    let seconds = Int(time.microseconds / 1_000_000)
    return "\(time.year)-\(two(time.month))-\(two(time.day))"
      + " \(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }

  private static func line(_ zone: String, _ base: String, _ expression: String) throws -> String {
    let calendar = try CalendarExpression(expression)
    let zones = try zones(local: zone)
    var moments: [String] = []
    var last = try instant(base)
    while moments.count < 3, let next = calendar.next(afterEpochMicroseconds: last, zones: zones) {
      moments.append(text(next))
      last = next
    }
    let list = moments.isEmpty ? "never" : moments.joined(separator: ", ")
    return [zone, base, expression, calendar.description, list].joined(separator: " | ")
  }

  @Test func `expressions mean what systemd says they mean, through changes of the clocks too`() throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/systemd-252-calendar.txt")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(lines.count > 150)
    for line in lines {
      let fields = line.split(separator: " | ").map(String.init)
      try #require(fields.count == 5)
      #expect(try Self.line(fields[0], fields[1], fields[2]) == line)
    }
  }

  @Test func `what is printed is read as the same again`() throws {
    for text in ["Sat *-*~01 12:00:00.500000/3.000001 UTC", "2027..2033/3-02,04-01 *:00/7:30 Europe/Berlin"] {
      let calendar = try CalendarExpression(text)
      #expect(calendar.description == text)
      #expect(try CalendarExpression(calendar.description) == calendar)
    }
  }

  @Test(arguments: [
    ("", "it is empty"), ("foo", "\"foo\" is no weekday"),
    ("Fri..Mon", "\"Fri..Mon\" goes backwards: a week begins on Monday"),
    ("Mon Tue 1:2", "\"Tue\" is neither a date nor a time"), ("Mon..", "\"\" is no weekday"),
    ("24:00", "\"24\" is no hour, which is from 0 to 23"), ("*-13-1", "\"13\" is no month, which is from 1 to 12"),
    ("*-*-0", "\"0\" is no day, which is from 1 to 31"),
    ("2200-1-1", "\"2200\" is no year, which is from 1970 to 2199"),
    ("*-*~31", "\"31\" is no day before the month's end, which is from 1 to 28"),
    ("*:60", "\"60\" is no minute, which is from 0 to 59"), ("*:*:60", "\"60\" is no second, which is from 0 to 59"),
    ("12..5:0", "\"12..5\" goes backwards"), ("0/3..10", "\"0/3..10\" is neither a date nor a time"),
    ("1/0:0", "the step of \"1/0\" is not within the range of a hour"),
    ("0/60:0", "the step of \"0/60\" is not within the range of a hour"), ("*/2:0", "\"*\" is no hour"),
    ("*:1,*", "\"*\" is no minute"), ("*:1,", "\"\" is no minute"), ("0.5:0", "\"0.5\" is no hour"),
    ("*:*:59.9999999", "\"59.9999999\" is no second"), ("5", "\"5\" is neither a date nor a time"),
    ("1-2-3-4", "\"1-2-3-4\" is no date"), ("1~2-3", "\"1~2-3\" is no date"), ("-1", "\"\" is no month"),
    ("12:00 13:00", "\"13:00\" is left over after the time"), ("12:00 A//B", "\"A//B\" is no time zone"),
    ("@1e3", "\"@1e3\" is no number of seconds since 1970"), ("+5:0", "\"+5\" is no hour"),
    ("@9999999999", "\"@9999999999\" is after the year 2199"),
  ])
  func `what is no expression is refused with what is wrong`(text: String, problem: String) {
    #expect(throws: CalendarExpressionError(text: text, problem: problem)) { try CalendarExpression(text) }
  }

  @Test func `a list has a limit, and an unknown zone never elapses`() throws {
    let longest = (0..<240).map { "\($0 % 60).\($0)" }.joined(separator: ",")
    #expect(throws: Never.self) { try CalendarExpression("*:*:\(longest)") }
    #expect(throws: CalendarExpressionError.self) { try CalendarExpression("*:*:\(longest),1") }
    let elsewhere = try CalendarExpression("daily Mars/Base")
    #expect(elsewhere.next(afterEpochMicroseconds: 0, zones: TimeZoneTable()) == nil)
  }
}

@Suite struct TimeZoneRulesTests {
  /// A zone file with these transitions, given as seconds and offsets, and a last line.
  private static func file(_ transitions: [(Int64, Int64)], first: Int64, rule: String) -> [UInt8] {
    func number(_ value: Int64, _ width: Int) -> [UInt8] {
      (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> Int64($0 * 8)) }
    }
    func block(_ transitions: [(Int64, Int64)], _ offsets: [Int64], _ width: Int) -> [UInt8] {
      var bytes: [UInt8] = Array("TZif2".utf8)
      bytes += [UInt8](repeating: 0, count: 15)
      for count in [0, 0, 0, transitions.count, offsets.count, 4] { bytes += number(Int64(count), 4) }
      for transition in transitions { bytes += number(transition.0, width) }
      for index in transitions.indices { bytes.append(UInt8(index + 1)) }
      for offset in offsets { bytes += number(offset, 4) + [0, 0] }
      bytes += Array("ABC".utf8)
      bytes.append(0)
      return bytes
    }
    var bytes = block([], [0], 4)
    bytes += block(transitions, [first] + transitions.map(\.1), 8)
    bytes += Array("\n\(rule)\n".utf8)
    return bytes
  }

  @Test func `a zone file's transitions hold, and its last line after them`() throws {
    let bytes = Self.file([(-1000, 3600), (5000, 7200)], first: -90, rule: "CET-1CEST,M3.5.0,M10.5.0/3")
    let rules = try TimeZoneRules(parsing: bytes)
    #expect([-2000, -1001, -1000, 4999].map { rules.offset(atEpochSeconds: $0) } == [-90, -90, 3600, 3600])
    // July and December 2026.
    #expect([1_783_000_000, 1_797_000_000].map { rules.offset(atEpochSeconds: $0) } == [7200, 3600])
    let fixed = try TimeZoneRules(parsing: Self.file([(0, 60)], first: 0, rule: ""))
    #expect([-1, 0, 1 << 40].map { fixed.offset(atEpochSeconds: $0) } == [0, 60, 60])
  }

  @Test func `what is cut off or no zone file is refused`() throws {
    let bytes = Self.file([(0, 60)], first: 0, rule: "CET-1")
    for count in 0..<(bytes.count - 8) {
      #expect(throws: TimeZoneRules.ParsingError.notAZoneFile) { try TimeZoneRules(parsing: Array(bytes[..<count])) }
    }
    #expect(throws: TimeZoneRules.ParsingError.notAZoneFile) {
      try TimeZoneRules(parsing: Self.file([(0, 60)], first: 0, rule: "CET-1CEST,M13.5.0,M10.5.0"))
    }
  }

  @Test(arguments: ["", "C-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,J0,J10", "CET-1x,J1,J10", "<+03-3"])
  func `a rule that is none is refused`(rule: String) {
    #expect(TimeZoneRules(rule: rule) == nil)
  }

  @Test func `days of a rule may be counted through the year, and times be negative`() throws {
    let julian = try #require(TimeZoneRules(rule: "AAA0BBB,J60/0,300/-1"))
    // 1 March 2028, a leap year; the day with number 300 begins an hour later than its change.
    let march: Int64 = 1_835_481_600
    #expect([march - 1, march].map { julian.offset(atEpochSeconds: $0) } == [0, 3600])
    let day300 = CivilTime.days(year: 2028, month: 1, day: 1) * 86_400 + 300 * 86_400 - 7200
    #expect([day300 - 1, day300].map { julian.offset(atEpochSeconds: $0) } == [3600, 0])
  }

  @Test func `a gap is skipped and a repeated hour has two instants`() throws {
    let berlin = try #require(TimeZoneRules(rule: "CET-1CEST,M3.5.0,M10.5.0/3"))
    func clock(_ month: Int, _ day: Int, _ minutes: Int64) -> Int64 {
      CivilTime(year: 2026, month: month, day: day, microseconds: minutes * 60_000_000).microsecondsOnClock
    }
    #expect(berlin.reading(clock(3, 29, 150)) == .skipped(next: clock(3, 29, 180)))
    let summer = clock(10, 25, 30)
    #expect(berlin.reading(clock(10, 25, 150)) == .instants([summer, summer + 3_600_000_000]))
    #expect(berlin.reading(clock(10, 25, 180)) == .instants([clock(10, 25, 120)]))
  }
}
