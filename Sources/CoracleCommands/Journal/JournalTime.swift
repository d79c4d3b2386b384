// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// A point on the clock on the wall.
struct WallTime: Equatable, Sendable {
  var year: Int
  var month: Int
  var day: Int
  var hour = 0
  var minute = 0
  var second = 0
}

/// What a clock on the wall shows, and when it does.
struct WallClock: Sendable {
  /// What it shows at a second since the Unix epoch.
  let time: @Sendable (_ epochSeconds: Int64) -> WallTime
  /// The second in which it shows this; nil for never.
  let epochSeconds: @Sendable (WallTime) -> Int64?

  /// The clock of this machine's time zone.
  static let local = WallClock(
    time: { wallTime($0) { localtime_r(&$0, &$1) } },
    epochSeconds: { epochSeconds($0) { mktime(&$0) } }
  )

  /// The clock of universal time.
  static let utc = WallClock(
    time: { wallTime($0) { gmtime_r(&$0, &$1) } },
    epochSeconds: { epochSeconds($0) { timegm(&$0) } }
  )

  private static func wallTime(_ epochSeconds: Int64, _ convert: (inout time_t, inout tm) -> Void) -> WallTime {
    var moment = time_t(epochSeconds)
    var parts = tm()
    convert(&moment, &parts)
    return WallTime(
      year: Int(parts.tm_year) + 1900,
      month: Int(parts.tm_mon) + 1,
      day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour),
      minute: Int(parts.tm_min),
      second: Int(parts.tm_sec)
    )
  }

  private static func epochSeconds(_ time: WallTime, _ convert: (inout tm) -> time_t) -> Int64? {
    guard (1970...9999).contains(time.year), (1...12).contains(time.month), (1...31).contains(time.day),
      (0...23).contains(time.hour), (0...59).contains(time.minute), (0...60).contains(time.second)
    else { return nil }
    var parts = tm()
    parts.tm_year = Int32(time.year - 1900)
    parts.tm_mon = Int32(time.month - 1)
    parts.tm_mday = Int32(time.day)
    parts.tm_hour = Int32(time.hour)
    parts.tm_min = Int32(time.minute)
    parts.tm_sec = Int32(time.second)
    parts.tm_isdst = -1
    let seconds = convert(&parts)
    // The 30th of February comes out as a day of March.
    return Int(parts.tm_mon) + 1 == time.month ? Int64(seconds) : nil
  }
}

/// Times as journalctl's `--since` and `--until` take them.
///
/// Source: systemd.time(7), "PARSING TIMESTAMPS".
enum JournalTime {
  private static let weekdays: Set<Substring> = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  /// Reads a time, in microseconds since the Unix epoch; nil when the text is none.
  ///
  /// - Parameters:
  ///   - text: `2026-11-27 12:00:00`, `12:00`, `today`, `-1h`, `2h ago`, `@1795780800`, ….
  ///   - now: Now, in the same measure.
  ///   - clock: The clock that is meant unless the text ends with `UTC` or `Z`.
  /// - Returns: The time.
  static func parse(_ text: String, nowMicroseconds now: Int64, clock: WallClock) -> Int64? {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard let first = words.first else { return nil }
    if first.hasPrefix("@") { return words.count == 1 ? microseconds(first.dropFirst()) : nil }
    if let sign = first.first, sign == "+" || sign == "-" {
      let span = text.drop(while: \.isWhitespace).dropFirst()
      return offset(String(span)).map { sign == "-" ? now - $0 : now + $0 }
    }
    if words.count > 1, words.last == "ago" || words.last == "left" {
      let span = words.dropLast().joined(separator: " ")
      return offset(span).map { words.last == "ago" ? now - $0 : now + $0 }
    }
    return moment(words, now, clock)
  }

  private static func moment(_ words: [Substring], _ now: Int64, _ local: WallClock) -> Int64? {
    var words = words
    var clock = local
    if words.count > 1, words.last == "UTC" {
      clock = .utc
      words.removeLast()
    } else if let last = words.last, last.hasSuffix("Z") {
      clock = .utc
      words[words.count - 1] = last.dropLast()
    }
    if words.count > 1, let first = words.first, weekdays.contains(first) { words.removeFirst() }
    if words.count == 1, let both = words.first, both.first?.isNumber == true {
      words = both.split(separator: "T", omittingEmptySubsequences: false)
    }
    var time = clock.time(now / 1_000_000)
    (time.hour, time.minute, time.second) = (0, 0, 0)
    var fraction: Int64 = 0
    switch (words.first, words.count) {
    case ("now", 1): return now
    case ("today", 1): break
    case ("yesterday", 1): time = clock.time((clock.epochSeconds(time) ?? 0) - 43_200).atMidnight
    case ("tomorrow", 1): time = clock.time((clock.epochSeconds(time) ?? 0) + 129_600).atMidnight
    case (let word?, 1) where word.contains(":"):
      guard let part = setClock(word, of: &time) else { return nil }
      fraction = part
    case (let word?, 1):
      guard setDate(word, of: &time) else { return nil }
    case (let date?, 2):
      guard setDate(date, of: &time), let part = setClock(words[1], of: &time) else { return nil }
      fraction = part
    default: return nil
    }
    return clock.epochSeconds(time).map { $0 * 1_000_000 + fraction }
  }

  private static func setDate(_ word: Substring, of time: inout WallTime) -> Bool {
    let parts = word.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 4, let year = number(parts[0]), let month = number(parts[1]),
      let day = number(parts[2])
    else { return false }
    (time.year, time.month, time.day) = (year, month, day)
    return true
  }

  /// Sets hour, minute and second; returns the microseconds beyond, nil when the word is no time of day.
  private static func setClock(_ word: Substring, of time: inout WallTime) -> Int64? {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let hour = number(parts[0]), let minute = number(parts[1]) else { return nil }
    (time.hour, time.minute, time.second) = (hour, minute, 0)
    guard parts.count == 3 else { return 0 }
    guard let all = microseconds(parts[2]), all < 61_000_000 else { return nil }
    time.second = Int(all / 1_000_000)
    return all % 1_000_000
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.count <= 4, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(text)
  }

  /// Seconds with up to six places behind the point.
  private static func microseconds(_ text: Substring) -> Int64? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, whole.count <= 12,
      parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }), let seconds = Int64(whole)
    else { return nil }
    let digits = parts.count == 2 ? parts[1].prefix(6) : ""
    let padded = digits + String(repeating: "0", count: 6 - digits.count)
    return Int64(padded).map { seconds * 1_000_000 + $0 }
  }

  private static func offset(_ span: String) -> Int64? {
    TimeSpan(span)?.duration.map { Int64($0 / .microseconds(1)) }
  }
}

extension WallTime {
  fileprivate var atMidnight: WallTime { WallTime(year: year, month: month, day: day) }
}
