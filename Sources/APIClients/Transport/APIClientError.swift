// SPDX-License-Identifier: Apache-2.0

/// Why a server could not be asked, or its answer not be used.
public struct APIClientError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Equatable {
    /// An endpoint is not an address this client understands.
    case badEndpoint
    /// No endpoint could be reached; nothing was carried out.
    case unavailable
    /// The request may or may not have been carried out.
    case outcomeUnknown
    /// The server answered something that this client does not understand.
    case badAnswer
    /// The server refused, with its HTTP status.
    case refused(status: Int)
  }

  /// The kind of failure.
  public var code: Code
  /// What the client was doing, to which server.
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
}
