// SPDX-License-Identifier: Apache-2.0

/// A date and a time of day without a time zone, in the Gregorian calendar.
struct CivilTime: Sendable, Equatable {
  /// Microseconds in a second and in a day.
  static let second: Int64 = 1_000_000
  static let day: Int64 = 86_400 * second

  var year: Int
  /// From 1.
  var month: Int
  /// From 1; may be after the month's last day while a match is looked for.
  var day: Int
  /// Microseconds since midnight.
  var microseconds: Int64

  /// From its parts.
  init(year: Int, month: Int, day: Int, microseconds: Int64) {
    self.year = year
    self.month = month
    self.day = day
    self.microseconds = microseconds
  }

  /// What a clock shows so many microseconds after 1970 began on it.
  init(microsecondsOnClock: Int64) {
    let days = microsecondsOnClock.floored(by: Self.day)
    microseconds = microsecondsOnClock - days * Self.day
    // Counted from 1 March of the year 0, years end with their leap day.
    let shifted = days + 719_468
    let era = shifted.floored(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5) + 1
    month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
  }

  /// Microseconds on this clock since 1970 began on it.
  var microsecondsOnClock: Int64 {
    Self.days(year: year, month: month, day: day) * Self.day + microseconds
  }

  /// 0 for Monday.
  var weekday: Int {
    // 1970 began on a Thursday.
    let days = Self.days(year: year, month: month, day: day) + 3
    return Int(days - days.floored(by: 7) * 7)
  }

  /// Days since 1 January 1970.
  static func days(year: Int, month: Int, day: Int) -> Int64 {
    let shiftedYear = Int64(month <= 2 ? year - 1 : year)
    let era = shiftedYear.floored(by: 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// How many days a month has.
  static func dayCount(year: Int, month: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: isLeap(year) ? 29 : 28
    default: 31
    }
  }

  static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }
}

extension CivilTime: CustomStringConvertible {
  /// To the second: `Fri 2026-11-27 16:00:00`.
  var description: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let seconds = Int(microseconds / Self.second)
    let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
    return "\(CalendarExpression.weekdayNames[weekday]) \(year)-\(two(month))-\(two(day)) \(time)"
  }
}

extension Int64 {
  /// The quotient rounded towards minus infinity; the divisor is positive.
  func floored(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
