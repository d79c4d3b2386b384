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
  /// Why each endpoint gave no answer, when none did.
  public var failures: [String]

  /// Makes an error.
  public init(_ code: Code, _ message: String, cause: (any Error)? = nil, failures: [String] = []) {
    self.code = code
    self.message = message
    self.cause = cause
    self.failures = failures
  }

  /// Whether no endpoint could even be connected to.
  public var isOfConnections: Bool { !failures.isEmpty && failures.allSatisfy { $0.hasPrefix("dial ") } }

  /// The message.
  public var description: String { message }
}
