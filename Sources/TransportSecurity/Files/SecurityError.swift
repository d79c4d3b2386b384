// SPDX-License-Identifier: Apache-2.0

/// Why files cannot be used for TLS: one line that names the setting, the file, and what to do.
public struct SecurityError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Equatable {
    /// One file is named without the other that it needs.
    case incomplete
    /// A file cannot be read.
    case unreadable
    /// A file does not hold what it should in PEM form.
    case malformed
    /// A certificate's time has not come, or is over.
    case outOfDate
    /// The key belongs to another certificate.
    case keyMismatch
  }

  /// The kind of failure.
  public var code: Code
  /// The line.
  public var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The line.
  public var description: String { message }
}
