// SPDX-License-Identifier: Apache-2.0

/// The engine's way to write times.
enum EngineTime {
  /// Nanoseconds since the Unix epoch of an RFC 3339 time, `2026-11-20T22:54:33.784380072Z`; nil for anything else and
  /// for the engine's "never", the year 1.
  static func nanosecondsSinceEpoch(_ text: some StringProtocol) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
      let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
      let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
      (1970...2261).contains(year), (1...12).contains(month)
    else { return nil }
    var rest = bytes[19...]
    var fraction: Int64 = 0
    if rest.first == UInt8(ascii: ".") {
      let digits = rest.dropFirst().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      guard (1...9).contains(digits.count), let value = number(digits) else { return nil }
      fraction = value
      for _ in digits.count..<9 { fraction *= 10 }
      rest = rest.dropFirst(digits.count + 1)
    }
    guard let offsetSeconds = zoneOffsetSeconds(rest) else { return nil }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offsetSeconds
    return seconds * 1_000_000_000 + fraction
  }

  /// `seconds.nanoseconds`, as `since` parameters want it.
  static func sinceParameter(nanosecondsSinceEpoch time: Int64) -> String {
    let fraction = String(time % 1_000_000_000)
    return "\(time / 1_000_000_000)." + String(repeating: "0", count: 9 - fraction.count) + fraction
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    Int64(String(decoding: digits, as: UTF8.self))
  }

  private static func zoneOffsetSeconds(_ zone: ArraySlice<UInt8>) -> Int64? {
    let zone = Array(zone)
    if zone == [UInt8(ascii: "Z")] { return 0 }
    guard zone.count == 6, zone[3] == UInt8(ascii: ":"), let hours = number(zone[1..<3]),
      let minutes = number(zone[4..<6])
    else { return nil }
    switch zone[0] {
    case UInt8(ascii: "+"): return hours * 3_600 + minutes * 60
    case UInt8(ascii: "-"): return -(hours * 3_600 + minutes * 60)
    default: return nil
    }
  }

  /// Days since 1970-01-01 in the Gregorian calendar, years counted from March so that leap days come last.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
