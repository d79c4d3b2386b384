// SPDX-License-Identifier: Apache-2.0

/// Times as Go writes them: `300ms`, `1.5h`, `2h45m`.
///
/// Source: Go's `time.ParseDuration`, which fleet's options use.
enum GoDuration {
  private static let units: [(name: String, nanoseconds: Double)] = [
    ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9),
  ]

  static func parse(_ text: String) -> Duration? {
    guard text != "0" else { return .zero }
    var rest = text[...]
    var nanoseconds = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0 == "." || ("0"..."9").contains($0) }
      guard let amount = Double(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      let letters = rest.prefix { $0 != "." && !("0"..."9").contains($0) }
      guard let unit = units.first(where: { $0.name == letters }) else { return nil }
      rest = rest.dropFirst(letters.count)
      nanoseconds += amount * unit.nanoseconds
    }
    return nanoseconds < 9e18 ? .nanoseconds(Int64(nanoseconds)) : nil
  }
}
