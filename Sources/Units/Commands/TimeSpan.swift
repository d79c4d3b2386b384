// SPDX-License-Identifier: Apache-2.0

/// A length of time as unit files write it: `5min 20s`, `1.5h`, `90`, `infinity`.
///
/// Source: systemd.time(7) "PARSING TIME SPANS".
public enum TimeSpan: Sendable, Equatable {
  /// So long.
  case finite(Duration)
  /// Without end.
  case infinity

  /// Reads a time span, nil when the text is none; a number without a unit is seconds.
  public init?(_ text: String) {
    let trimmed = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    if trimmed == "infinity" {
      self = .infinity
      return
    }
    guard !trimmed.isEmpty else { return nil }
    var nanoseconds: Int128 = 0
    var rest = trimmed[...]
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(number.count).drop(while: \.isWhitespace)
      let unit = rest.prefix { !$0.isWhitespace && !$0.isNumber }
      rest = rest.dropFirst(unit.count).drop(while: \.isWhitespace)
      guard let scale = unit.isEmpty ? 1_000_000_000 : Self.nanoseconds[String(unit)],
        let amount = Self.scaled(number, by: scale)
      else { return nil }
      nanoseconds += amount
      guard nanoseconds <= Int128(Int64.max) else { return nil }
    }
    self = .finite(.nanoseconds(Int64(nanoseconds)))
  }

  /// The duration; nil for infinity.
  public var duration: Duration? {
    switch self {
    case .finite(let duration): duration
    case .infinity: nil
    }
  }

  private static func scaled(_ number: Substring, by scale: Int128) -> Int128? {
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, first.utf8.count <= 18, !number.isEmpty, number != "." else { return nil }
    guard let whole = first.isEmpty ? 0 : Int128(String(first)) else { return nil }
    guard parts.count == 2 else { return whole * scale }
    var fraction: Int128 = 0
    var divisor: Int128 = 1
    for digit in parts[1].prefix(9) {
      guard let value = digit.wholeNumberValue else { return nil }
      fraction = fraction * 10 + Int128(value)
      divisor *= 10
    }
    return whole * scale + fraction * scale / divisor
  }

  private static let nanoseconds: [String: Int128] = {
    let second: Int128 = 1_000_000_000
    let table: [(Int128, [String])] = [
      (1, ["nsec", "ns"]),
      (1_000, ["usec", "us", "µs", "μs"]),
      (1_000_000, ["msec", "ms"]),
      (second, ["seconds", "second", "sec", "s"]),
      (60 * second, ["minutes", "minute", "min", "m"]),
      (3600 * second, ["hours", "hour", "hr", "h"]),
      (86_400 * second, ["days", "day", "d"]),
      (604_800 * second, ["weeks", "week", "w"]),
      (2_629_800 * second, ["months", "month", "M"]),
      (31_557_600 * second, ["years", "year", "y"]),
    ]
    var result: [String: Int128] = [:]
    for (scale, names) in table {
      for name in names { result[name] = scale }
    }
    return result
  }()
}
