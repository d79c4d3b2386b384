// SPDX-License-Identifier: Apache-2.0

/// Why a member could not be set up or started, in one sentence.
public struct EtcdServerError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers tell apart.
  public enum Code: Sendable, Equatable {
    /// A setting does not make sense.
    case configuration
    /// The log holds something that cannot be restored.
    case restore
    /// The operating system refused a resource.
    case system
  }

  /// Which kind of failure.
  public var code: Code
  /// What was being done, and what to do about it.
  public var message: String
  /// What the layer below said; nil when there is nothing.
  public var cause: (any Error)?

  init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// The message, without the cause.
  public var description: String { message }
}
