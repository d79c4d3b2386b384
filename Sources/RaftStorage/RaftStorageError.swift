// SPDX-License-Identifier: Apache-2.0

/// What went wrong with the Raft database on disk: one sentence for the operator, naming the file and the operation.
public struct RaftStorageError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers tell apart.
  public enum Code: Sendable, Equatable {
    /// Another process holds the data directory.
    case inUse
    /// The file belongs to another cluster or another member.
    case foreign
    /// The file was written by another format version.
    case unsupportedFormat
    /// The file is not a Raft database, or its content is damaged.
    case corrupt
    /// The disk is full; the operation was undone and may be tried again.
    case diskFull
    /// The disk failed; the operation was undone and may be tried again after the file has been reopened.
    case inputOutput
    /// Anything else SQLite or the operating system reports.
    case unexpected
  }

  /// Which kind of failure.
  public var code: Code
  /// What was being done to which file, and what to do about it.
  public var message: String
  /// SQLite's or the system's own words; nil when there are none.
  public var cause: String?

  init(_ code: Code, _ message: String, cause: String? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The message, without the cause.
  public var description: String { message }
}
