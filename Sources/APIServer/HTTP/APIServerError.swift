// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why the server could not do what it was asked.
public struct APIServerError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Equatable {
    /// The address cannot be one.
    case badListenAddress
    /// Somebody else listens there.
    case addressInUse
    /// The system refused.
    case system
    /// The server was shut down.
    case stopped
  }

  /// The kind of failure.
  public var code: Code
  /// What the server was doing, to which object.
  public var message: String
  /// The error below, if there was one.
  public var cause: (any Error)?

  /// Makes an error.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The message.
  public var description: String { message }

  /// The error of the system call that has just failed.
  static func system(_ action: String) -> APIServerError {
    let number = errno
    let reason = strerror(number).map { String(cString: $0) } ?? "error \(number)"
    return APIServerError(number == EADDRINUSE ? .addressInUse : .system, "\(action): \(reason)")
  }
}
