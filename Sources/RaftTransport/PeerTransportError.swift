// SPDX-License-Identifier: Apache-2.0

/// What the peer transport could not do, in one sentence that names the address.
public struct PeerTransportError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers tell apart.
  public enum Code: Sendable, Equatable {
    /// A peer URL cannot be used.
    case badURL
    /// A listen address cannot be bound.
    case cannotListen
    /// A peer could not be reached, or refused the stream.
    case cannotConnect
    /// A peer says that this member was removed from the cluster for good.
    case removed
  }

  /// Which kind of failure.
  public var code: Code
  /// What was being done to which address.
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
