// SPDX-License-Identifier: Apache-2.0

/// Something in a history that a correct store could not have done.
public struct HistoryViolation: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which promise is broken.
  public var rule: String
  /// What was seen, in one sentence.
  public var detail: String
  /// The part of the history that shows it, one line an operation or event.
  public var window: [String]

  /// Makes a violation.
  public init(_ rule: String, _ detail: String, window: [String] = []) {
    self.rule = rule
    self.detail = detail
    self.window = window
  }

  /// The rule and the detail, then the window.
  public var description: String {
    (["\(rule): \(detail)"] + window.map { "  " + $0 }).joined(separator: "\n")
  }
}
