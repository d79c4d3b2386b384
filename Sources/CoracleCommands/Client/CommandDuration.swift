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
    if let seconds = Self.number(argument), seconds > 0 {
      duration = .milliseconds(Int64(seconds * 1_000))
      return
    }
    guard let total = Self.sum(argument), total > .zero else { return nil }
    duration = total
  }

  /// Reads what Go reads: numbers with units, or a bare `0`; nil for everything else.
  init?(goText text: String) {
    guard let total = text == "0" ? .zero : Self.sum(text) else { return nil }
    duration = total
  }

  private static func sum(_ text: String) -> Duration? {
    guard !text.isEmpty else { return nil }
    var rest = text[...]
    var total = Duration.zero
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let amount = number(String(digits)), let length = nanoseconds[String(unit)] else { return nil }
      total += .nanoseconds(Int64(amount * length))
    }
    return total
  }

  /// The span as help texts show a default: `10s`, `250ms`.
  var defaultValueDescription: String {
    let (seconds, attoseconds) = duration.components
    return attoseconds == 0 ? "\(seconds)s" : "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms"
  }

  private static let nanoseconds: [String: Double] = [
    "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3_600e9,
  ]

  /// Up to a million, so that no sum overflows.
  private static func number(_ text: String) -> Double? {
    guard let number = Double(text), (0...1_000_000).contains(number) else { return nil }
    return number
  }
}
