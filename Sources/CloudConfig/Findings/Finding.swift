// SPDX-License-Identifier: Apache-2.0

/// Something to say about a place of a document.
public struct Finding: Sendable, Hashable {
  /// How much it matters.
  public enum Severity: String, Sendable, CaseIterable {
    /// Nothing is started.
    case error
    /// Something written in the document has no effect, or not the effect it seems to have.
    case warning
    /// Good to know.
    case info
  }

  /// Where it is.
  public var mark: SourceMark
  /// How much it matters.
  public var severity: Severity
  /// What is found and what to do about it, in one line.
  public var message: String

  /// Makes a finding.
  public init(at mark: SourceMark, _ severity: Severity, _ message: String) {
    self.mark = mark
    self.severity = severity
    self.message = message
  }

  /// The line to print: `FILE:LINE:COLUMN: severity: message`; a variable of the process has no place in the file.
  public func rendered(file: String) -> String {
    mark == .environment
      ? "environment: \(severity.rawValue): \(message)"
      : "\(file):\(mark.line):\(mark.column): \(severity.rawValue): \(message)"
  }
}

/// A place in a document.
///
/// Units: lines and columns count from 1; columns count Unicode scalars.
public struct SourceMark: Comparable, Hashable, Sendable {
  /// Line, from 1.
  public var line: Int
  /// Column, from 1.
  public var column: Int

  /// Makes a mark.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// The first place of a document.
  public static let start = SourceMark(line: 1, column: 1)
  /// Not in the document, but in the environment of the process.
  public static let environment = SourceMark(line: 0, column: 0)

  /// Orders as the text is read.
  public static func < (left: SourceMark, right: SourceMark) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }
}
