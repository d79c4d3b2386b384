// SPDX-License-Identifier: Apache-2.0

/// Why a text is not a unit file; the texts are fleet's own, which its clients print.
public enum UnitFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A section's `]` is missing.
  case unterminatedSection(line: Int)
  /// Something other than blanks follows a section's `]`.
  case garbageAfterSection(name: String, garbage: String, line: Int)
  /// A line ended before the `=` of its option.
  case newlineInOptionName(line: Int)
  /// The text ended before the `=` of its last option.
  case unexpectedEnd(line: Int)
  /// A physical line is longer than ``UnitFile/maximumLineBytes``.
  case lineTooLong(line: Int)

  /// The line it happened on, counted from 1.
  public var line: Int {
    switch self {
    case .unterminatedSection(let line), .garbageAfterSection(_, _, let line), .newlineInOptionName(let line),
      .unexpectedEnd(let line), .lineTooLong(let line):
      line
    }
  }

  /// What is wrong, without the line.
  public var description: String {
    switch self {
    case .unterminatedSection: "unable to find end of section"
    case .garbageAfterSection(let name, let garbage, _): "found garbage after section name \(name): \"\(garbage)\""
    case .newlineInOptionName: "unexpected newline encountered while parsing option name"
    case .unexpectedEnd: "EOF"
    case .lineTooLong: "line too long (max \(UnitFile.maximumLineBytes) bytes)"
    }
  }
}
