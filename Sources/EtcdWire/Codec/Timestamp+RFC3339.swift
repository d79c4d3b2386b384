// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

extension Timestamp {
  private static let nanosecondsPerSecond: Int64 = 1_000_000_000
  private static let secondsPerDay: Int64 = 86_400

  /// The moment as `2026-11-20T22:25:03.419273581Z`: UTC, up to nine digits of fraction without trailing zeros.
  ///
  /// Source: RFC 3339; Go's `time.RFC3339Nano`.
  public var rfc3339: String {
    let seconds = nanosecondsSinceEpoch.flooredQuotient(by: Self.nanosecondsPerSecond)
    let nanoseconds = nanosecondsSinceEpoch - seconds * Self.nanosecondsPerSecond
    let days = seconds.flooredQuotient(by: Self.secondsPerDay)
    let second = seconds - days * Self.secondsPerDay
    let (year, month, day) = Self.civilDate(daysSinceEpoch: days)
    var text = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
    text += "T\(Self.padded(second / 3_600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
    if nanoseconds > 0 {
      var fraction = Self.padded(nanoseconds, 9)
      while fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
      text += "." + fraction
    }
    return text + "Z"
  }

  /// Reads a moment, in UTC or with an offset; nil when the text is malformed or beyond the years 1677 to 2262.
  ///
  /// Digits of fraction after the ninth are dropped.
  public init?(rfc3339 text: String) {
    var rest = Array(text.utf8)[...]
    func take(_ count: Int) -> Int64? {
      let digits = rest.prefix(count)
      guard digits.count == count, digits.allSatisfy(isDecimalDigit) else { return nil }
      rest = rest.dropFirst(count)
      return Int64(String(decoding: digits, as: UTF8.self))
    }
    func skip(_ characters: String) -> UInt8? {
      guard let byte = rest.first, characters.utf8.contains(byte) else { return nil }
      rest = rest.dropFirst()
      return byte
    }
    guard let year = take(4), skip("-") != nil, let month = take(2), skip("-") != nil, let day = take(2),
      skip("Tt") != nil, let hour = take(2), skip(":") != nil, let minute = take(2), skip(":") != nil,
      let second = take(2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var nanoseconds: Int64 = 0
    if skip(".") != nil {
      let digits = rest.prefix(while: isDecimalDigit)
      guard !digits.isEmpty else { return nil }
      rest = rest.dropFirst(digits.count)
      let nine = digits.prefix(9) + Array(repeating: UInt8(ascii: "0"), count: max(0, 9 - digits.count))
      nanoseconds = Int64(String(decoding: nine, as: UTF8.self)) ?? 0
    }
    var offset: Int64 = 0
    guard let zone = skip("Zz+-") else { return nil }
    if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
      guard let hours = take(2), skip(":") != nil, let minutes = take(2) else { return nil }
      offset = (hours * 3_600 + minutes * 60) * (zone == UInt8(ascii: "-") ? -1 : 1)
    }
    guard rest.isEmpty else { return nil }
    let days = Self.daysSinceEpoch(year: year, month: month, day: day)
    let seconds = days * Self.secondsPerDay + hour * 3_600 + minute * 60 + second - offset
    let (product, tooFar) = seconds.multipliedReportingOverflow(by: Self.nanosecondsPerSecond)
    let (sum, overflow) = product.addingReportingOverflow(nanoseconds)
    guard !tooFar, !overflow else { return nil }
    self.init(nanosecondsSinceEpoch: sum)
  }

  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
  private static func civilDate(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = daysSinceEpoch + 719_468
    let era = shifted.flooredQuotient(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  /// Source: the same, `days_from_civil`.
  private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted.flooredQuotient(by: 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}

extension Int64 {
  /// The quotient rounded down, also for negative numbers.
  fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
    self / divisor - (self % divisor < 0 ? 1 : 0)
  }
}

private func isDecimalDigit(_ byte: UInt8) -> Bool {
  byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}
