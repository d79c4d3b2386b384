// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a server could not be reached, or what was asked of it not be done: one line that names what and where.
public struct SSHError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure.
  public enum Code: Sendable, Equatable {
    /// The text is no address.
    case badAddress
    /// Nobody listens there, or the name is unknown.
    case unreachable
    /// No answer came in time.
    case timedOut
    /// The host key is unknown and nobody agreed to it, or it is not the one that is known.
    case hostKey
    /// The server let no key in.
    case authentication
    /// The server would not open a connection or start a command.
    case refused
    /// The server or the library did what this program does not understand.
    case protocolFailure
    /// The connection has ended.
    case closed
    /// A file or a socket of this machine is not as it must be.
    case local
  }

  /// The kind of failure.
  public var code: Code
  /// The whole reason.
  public var message: String

  /// Makes an error.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }

  /// The system's words for an error number.
  static func reason(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text).lowercased()
  }
}
