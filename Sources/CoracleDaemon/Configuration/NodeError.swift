// SPDX-License-Identifier: Apache-2.0
import APIServer
import CloudInit
import EtcdServer
import RaftStorage
import RaftTransport

/// Why a node cannot start; its message is the one line that the user sees.
public struct NodeError: Error, Sendable, CustomStringConvertible {
  /// What was being done to which object, what went wrong, and what to do about it.
  public var message: String
  /// The failure below, if there is one.
  public var cause: (any Error)?

  /// Makes an error.
  public init(_ message: String, cause: (any Error)? = nil) {
    self.message = message
    self.cause = cause
  }

  /// The message with its causes, joined by colons, as it is shown once at the end.
  public var chain: String {
    guard let cause else { return message }
    let below = Self.text(of: cause)
    return message.isEmpty ? below : "\(message): \(below)"
  }

  /// An error of a layer below, with what that layer knows to be its cause.
  private static func text(of error: any Error) -> String {
    switch error {
    case let error as NodeError: error.chain
    case let error as CloudInitError: joined(error.message, error.cause)
    case let error as APIServerError: joined(error.message, nil)
    case let error as PeerTransportError: joined(error.message, error.cause)
    case let error as EtcdServerError: joined(error.message, error.cause)
    case let error as RaftStorageError: error.cause.map { "\(error.message) (\($0))" } ?? error.message
    default: String(describing: error)
    }
  }

  private static func joined(_ message: String, _ cause: (any Error)?) -> String {
    cause.map { "\(message): \(text(of: $0))" } ?? message
  }

  /// The message alone.
  public var description: String { message }
}
