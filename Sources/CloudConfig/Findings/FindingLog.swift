// SPDX-License-Identifier: Apache-2.0

/// Findings as they are made, in any order.
struct FindingLog {
  /// Where the lines of marks stand in the user-data.
  var origins = LineOrigins()
  private var findings: [Finding] = []
  private(set) var hasErrors = false
  /// How many have been made, repetitions included.
  var count: Int { findings.count }

  mutating func error(at mark: SourceMark, _ message: String) {
    hasErrors = true
    add(mark, .error, message)
  }

  mutating func warning(at mark: SourceMark, _ message: String) {
    add(mark, .warning, message)
  }

  mutating func info(at mark: SourceMark, _ message: String) {
    add(mark, .info, message)
  }

  /// The line of the user-data that a mark is on.
  func line(of mark: SourceMark) -> Int { origins.origin(of: mark).mark.line }

  /// The findings by place, those of one place as they were made, none twice.
  var sorted: [Finding] {
    var seen: Set<Finding> = []
    return findings.filter { seen.insert($0).inserted }
      .enumerated()
      .sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map(\.element)
  }

  private mutating func add(_ mark: SourceMark, _ severity: Finding.Severity, _ message: String) {
    let origin = origins.origin(of: mark)
    var text = Self.onOneLine(message)
    if let inside = origin.inside { text += " (line \(inside.line), column \(inside.column) of what is packed here)" }
    findings.append(Finding(at: origin.mark, severity, text))
  }

  /// The longest message, in Unicode scalars; what is longer quotes something long.
  private static let longestMessage = 600

  /// A message without what would break its line.
  private static func onOneLine(_ message: String) -> String {
    let scalars = message.unicodeScalars
    var text = String.UnicodeScalarView()
    for scalar in scalars.prefix(longestMessage) {
      switch scalar.value {
      case 0x0a: text.append(contentsOf: "\\n".unicodeScalars)
      case 0x09: text.append(contentsOf: "\\t".unicodeScalars)
      case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029:
        text.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      default: text.append(scalar)
      }
    }
    return String(text) + (scalars.dropFirst(longestMessage).isEmpty ? "" : "…")
  }
}
