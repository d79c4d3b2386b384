// SPDX-License-Identifier: Apache-2.0

/// Durations as Go prints them.
enum GoDuration {
  /// A duration such as `4m26.878729293s` (`time.Duration.String`); negative ones count as none.
  static func text(ofNanoseconds duration: Int64) -> String {
    guard duration > 0 else { return "0s" }
    if duration < 1_000 { return "\(duration)ns" }
    if duration < 1_000_000 { return "\(duration / 1_000)\(fraction(duration % 1_000, digits: 3))µs" }
    if duration < 1_000_000_000 { return "\(duration / 1_000_000)\(fraction(duration % 1_000_000, digits: 6))ms" }
    let seconds = duration / 1_000_000_000
    var text = ""
    if seconds >= 3600 { text += "\(seconds / 3600)h" }
    if seconds >= 60 { text += "\(seconds / 60 % 60)m" }
    return text + "\(seconds % 60)\(fraction(duration % 1_000_000_000, digits: 9))s"
  }

  /// The fraction with its dot and without trailing zeros; empty for 0.
  private static func fraction(_ value: Int64, digits: Int) -> String {
    guard value > 0 else { return "" }
    let number = String(value)
    var text = Substring(String(repeating: "0", count: digits - number.count) + number)
    while text.last == "0" { text.removeLast() }
    return "." + text
  }
}
