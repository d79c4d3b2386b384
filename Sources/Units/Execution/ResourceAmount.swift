// SPDX-License-Identifier: Apache-2.0

/// How much of something a directive allows: `512M`, `20%`, `infinity`.
///
/// Source: systemd.resource-control(5), systemd.syntax(7); systemd `src/basic/parse-util.c`, `parse_size`.
public enum ResourceAmount: Sendable, Equatable, Codable {
  /// So many bytes, or so many of what is counted.
  case amount(UInt64)
  /// A share of what the machine has, in hundredths of a percent.
  case share(hundredthsOfPercent: UInt64)
  /// No limit.
  case infinity

  /// Reads a size in bytes, with the suffixes K, M, G, T, P and E of 1024, a share or `infinity`; nil when it is none.
  public init?(size text: String) {
    if let special = Self.special(text) {
      self = special
    } else if let bytes = Self.bytes(text) {
      self = .amount(bytes)
    } else {
      return nil
    }
  }

  /// Reads a plain number, a share or `infinity`; nil when it is none.
  public init?(count text: String) {
    if let special = Self.special(text) {
      self = special
    } else if let count = UInt64(text) {
      self = .amount(count)
    } else {
      return nil
    }
  }

  /// The amount on a machine that has `total`; nil is no limit.
  public func resolved(of total: UInt64) -> UInt64? {
    switch self {
    case .amount(let amount): amount
    case .share(let share): UInt64(clamping: Int128(total) * Int128(share) / 10_000)
    case .infinity: nil
    }
  }

  /// A size in bytes, `1.5G`; nil when the text is none or it does not fit.
  public static func bytes(_ text: String) -> UInt64? {
    var digits = text[...]
    var scale: Int128 = 1
    if let last = digits.last, let power = ["B", "K", "M", "G", "T", "P", "E"].firstIndex(of: String(last)) {
      digits = digits.dropLast()
      while digits.last == " " { digits = digits.dropLast() }
      scale = Int128(1) << Int128(10 * power)
    }
    guard let (whole, fraction, divisor) = decimal(digits) else { return nil }
    return UInt64(exactly: whole * scale + fraction * scale / divisor)
  }

  private static func special(_ text: String) -> ResourceAmount? {
    if text == "infinity" { return .infinity }
    guard let share = percentage(text), share <= 10_000 else { return nil }
    return .share(hundredthsOfPercent: share)
  }

  /// `20%`, `12.5%` in hundredths of a percent, `5‰` and `1‱` too; nil when it is none.
  static func percentage(_ text: String) -> UInt64? {
    let units: [Character: Int128] = ["%": 100, "‰": 10, "‱": 1]
    guard let last = text.last, let scale = units[last], let (whole, fraction, divisor) = decimal(text.dropLast())
    else { return nil }
    return UInt64(exactly: whole * scale + fraction * scale / divisor)
  }

  private static func decimal(_ text: Substring) -> (whole: Int128, fraction: Int128, divisor: Int128)? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 20 }),
      parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }),
      let whole = Int128(String(parts[0]))
    else { return nil }
    guard parts.count == 2 else { return (whole, 0, 1) }
    let digits = parts[1].prefix(9)
    guard let fraction = Int128(String(digits)) else { return nil }
    return (whole, fraction, digits.reduce(Int128(1)) { power, _ in power * 10 })
  }
}
