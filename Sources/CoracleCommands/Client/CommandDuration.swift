// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// A span of time as a command line spells it: `5s`, `1m30s`, `250ms`, or plain seconds, `5` or `0.5`.
///
/// Source: Go's `time.ParseDuration`, which the original tools use.
struct CommandDuration: Equatable, Sendable, ExpressibleByArgument {
  var duration: Duration

  init(_ duration: Duration) {
    self.duration = duration
  }

  /// Nil when the text is no span of time, or a negative one.
  init?(argument: String) {
    if let seconds = Self.number(argument) {
      duration = .milliseconds(Int64(seconds * 1_000))
      return
    }
    var rest = argument[...]
    var total = Duration.zero
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let amount = Self.number(String(digits)), let length = Self.milliseconds[String(unit)] else { return nil }
      total += .milliseconds(Int64(amount * length))
    }
    guard total > .zero else { return nil }
    duration = total
  }

  /// The span as help texts show a default: `10s`, `250ms`.
  var defaultValueDescription: String {
    let (seconds, attoseconds) = duration.components
    return attoseconds == 0 ? "\(seconds)s" : "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms"
  }

  private static let milliseconds: [String: Double] = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000]

  /// Up to a million hours, so that no sum overflows.
  private static func number(_ text: String) -> Double? {
    guard let number = Double(text), (0...3_600_000_000).contains(number) else { return nil }
    return number
  }
}
