// SPDX-License-Identifier: Apache-2.0

/// Findings as they are made, in any order.
struct FindingLog {
  private var findings: [Finding] = []
  private(set) var hasErrors = false
  /// How many have been made, repetitions included.
  var count: Int { findings.count }

  mutating func error(at mark: SourceMark, _ message: String) {
    hasErrors = true
    findings.append(Finding(at: mark, .error, message))
  }

  mutating func warning(at mark: SourceMark, _ message: String) {
    findings.append(Finding(at: mark, .warning, message))
  }

  mutating func info(at mark: SourceMark, _ message: String) {
    findings.append(Finding(at: mark, .info, message))
  }

  /// The findings by place, those of one place as they were made, none twice.
  var sorted: [Finding] {
    var seen: Set<Finding> = []
    return findings.filter { seen.insert($0).inserted }
      .enumerated()
      .sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map(\.element)
  }
}
