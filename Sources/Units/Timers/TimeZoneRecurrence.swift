// SPDX-License-Identifier: Apache-2.0

/// How clocks are changed every year, as the last line of a zone file has it: `CET-1CEST,M3.5.0,M10.5.0/3`.
///
/// Source: RFC 8536, section 3.3; POSIX `TZ`.
struct TimeZoneRecurrence: Sendable, Hashable {
  /// A day of every year with a time.
  private struct Change: Sendable, Hashable {
    enum Day: Sendable, Hashable {
      /// From 1, leap days not counted.
      case julian(Int)
      /// From 0, leap days counted.
      case zeroBased(Int)
      /// The last such weekday for 5; the weekday from 0 for Sunday.
      case weekday(month: Int, week: Int, weekday: Int)
    }

    var day: Day
    /// Seconds after midnight on the clocks as they are before; may be negative or longer than a day.
    var time: Int64

    /// Seconds since the Unix epoch as the clocks count them.
    func secondsOnClock(year: Int) -> Int64 {
      let first = CivilTime.days(year: year, month: 1, day: 1)
      let days: Int64
      switch day {
      case .julian(let number): days = first + Int64(number - 1) + (CivilTime.isLeap(year) && number >= 60 ? 1 : 0)
      case .zeroBased(let number): days = first + Int64(number)
      case .weekday(let month, let week, let weekday):
        let start = CivilTime(year: year, month: month, day: 1, microseconds: 0)
        // Sunday is 6 there and 0 here.
        var day = 1 + (weekday + 6 - start.weekday + 7) % 7 + (week - 1) * 7
        if day > CivilTime.dayCount(year: year, month: month) { day -= 7 }
        days = CivilTime.days(year: year, month: month, day: day)
      }
      return days * 86_400 + time
    }
  }

  private var standard: Int64
  private var summer: (offset: Int64, start: Change, end: Change)?

  static func == (left: Self, right: Self) -> Bool {
    left.standard == right.standard && left.summer?.offset == right.summer?.offset
      && left.summer?.start == right.summer?.start && left.summer?.end == right.summer?.end
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(standard)
    hasher.combine(summer?.offset)
  }

  /// Reads a rule, nil when the text is none.
  init?(_ text: String) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    var rest = parts[0][...]
    guard Self.takeName(&rest), let west = Self.takeTime(&rest) else { return nil }
    standard = -west
    guard !rest.isEmpty else {
      guard parts.count == 1 else { return nil }
      return
    }
    guard Self.takeName(&rest), parts.count == 3 else { return nil }
    var offset = standard + 3600
    if !rest.isEmpty {
      guard let own = Self.takeTime(&rest), rest.isEmpty else { return nil }
      offset = -own
    }
    guard let start = Self.change(parts[1]), let end = Self.change(parts[2]) else { return nil }
    summer = (offset, start, end)
  }

  /// Seconds east of Greenwich at an instant.
  func offset(at instant: Int64) -> Int64 {
    guard let summer else { return standard }
    let year = CivilTime(microsecondsOnClock: (instant + standard) * CivilTime.second).year
    let start = summer.start.secondsOnClock(year: year) - standard
    let end = summer.end.secondsOnClock(year: year) - summer.offset
    let isSummer = start < end ? instant >= start && instant < end : instant >= start || instant < end
    return isSummer ? summer.offset : standard
  }

  // MARK: Parsing

  private static func takeName(_ rest: inout Substring) -> Bool {
    if rest.first == "<" {
      guard let end = rest.firstIndex(of: ">") else { return false }
      rest = rest[rest.index(after: end)...]
      return true
    }
    let name = rest.prefix { $0.isLetter }
    rest = rest.dropFirst(name.count)
    return name.count >= 3
  }

  /// `[+-]hh[:mm[:ss]]` in seconds.
  private static func takeTime(_ rest: inout Substring) -> Int64? {
    let text = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ":" || $0 == "+" || $0 == "-") }
    rest = rest.dropFirst(text.count)
    return time(text)
  }

  private static func time(_ text: Substring) -> Int64? {
    let isNegative = text.first == "-"
    let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text
    let fields = digits.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard (1...3).contains(fields.count), digits.utf8.count <= 9 else { return nil }
    var seconds: Int64 = 0
    for (field, scale) in zip(fields, [3600, 60, 1] as [Int64]) {
      guard let field, field >= 0 else { return nil }
      seconds += field * scale
    }
    return isNegative ? -seconds : seconds
  }

  private static func change(_ text: Substring) -> Change? {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let time = parts.count == 2 ? time(parts[1]) : 7200 else { return nil }
    let day = parts[0]
    switch day.first {
    case "M":
      let fields = day.dropFirst().split(separator: ".").compactMap { Int($0) }
      guard fields.count == 3, (1...12).contains(fields[0]), (1...5).contains(fields[1]), (0...6).contains(fields[2])
      else { return nil }
      return Change(day: .weekday(month: fields[0], week: fields[1], weekday: fields[2]), time: time)
    case "J":
      guard let number = Int(day.dropFirst()), (1...365).contains(number) else { return nil }
      return Change(day: .julian(number), time: time)
    default:
      guard let number = Int(day), (0...365).contains(number) else { return nil }
      return Change(day: .zeroBased(number), time: time)
    }
  }
}
