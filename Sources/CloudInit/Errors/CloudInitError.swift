// SPDX-License-Identifier: Apache-2.0

/// Why user-data could not be read, or a cluster could not be joined.
public struct CloudInitError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Code: Sendable, Equatable {
    /// User-data could not be read.
    case userData
    /// The document or the flags contradict each other, or name what is not there yet.
    case configuration
    /// The discovery token is unusable.
    case discovery
    /// What the data directory holds could not be read or written, or belongs to something else.
    case dataDirectory
  }

  /// What kind of failure it is.
  public var code: Code
  /// What was being done to which object, what went wrong, and what to do about it.
  public var message: String
  /// The failure below, if there is one.
  public var cause: (any Error)?

  /// Makes an error.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The message alone; the cause is printed by whoever prints the chain.
  public var description: String { message }
}
