// SPDX-License-Identifier: Apache-2.0

/// What a run found.
public struct DifferentialReport: Sendable, CustomStringConvertible {
  /// The seed that makes the same requests again.
  public var seed: UInt64
  /// Requests that both servers were sent.
  public var requestCount = 0
  /// Differences that a rule explains, by its name.
  public var explained: [String: Int] = [:]
  /// Differences that none explains, as text; only the first are kept.
  public var unexplained: [String] = []
  /// How many there were.
  public var unexplainedCount = 0

  static let maximumKept = 40

  /// Makes an empty report.
  public init(seed: UInt64) {
    self.seed = seed
  }

  mutating func explain(_ name: String) {
    explained[name, default: 0] += 1
  }

  mutating func add(_ text: String) {
    unexplainedCount += 1
    if unexplained.count < Self.maximumKept { unexplained.append(text) }
  }

  /// The summary, and before it what is not explained.
  public var description: String {
    let names = explained.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    let total = explained.values.reduce(0, +)
    let byRule = names.isEmpty ? "" : " (\(names))"
    let summary =
      "\(requestCount) requests, \(total) explained differences\(byRule), \(unexplainedCount) unexplained; seed \(seed)"
    return (unexplained + [summary]).joined(separator: "\n")
  }
}
