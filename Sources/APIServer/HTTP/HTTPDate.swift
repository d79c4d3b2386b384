// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The `Date` of answers, made once a second.
struct HTTPDate {
  private var second = Int.min
  private var text = ""

  /// The current time as RFC 9110 section 5.6.7 writes it.
  mutating func current() -> String {
    let now = time(nil)
    if now != second {
      second = now
      text = Self.format(secondsSinceEpoch: now)
    }
    return text
  }

  static func format(secondsSinceEpoch: Int) -> String {
    var seconds = time_t(secondsSinceEpoch)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits(Int($0)) }.joined(separator: ":")
    let day = "\(twoDigits(Int(parts.tm_mday))) \(months[Int(parts.tm_mon)]) \(1900 + Int(parts.tm_year))"
    return "\(days[Int(parts.tm_wday)]), \(day) \(clock) GMT"
  }

  private static func twoDigits(_ number: Int) -> String {
    number < 10 ? "0\(number)" : String(number)
  }
}
