// SPDX-License-Identifier: Apache-2.0

/// Why a change of users, roles or the switch was refused, with the words of etcd.
///
/// Source: etcd v3.4.23 `etcdserver/api/v2auth/auth.go` `authErr`; specs §13.
public struct AuthError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of refusal, with their HTTP status as raw value.
  public enum Kind: UInt16, Sendable {
    case badRequest = 400
    case forbidden = 403
    case notFound = 404
    case conflict = 409
  }

  /// The kind, which says the status.
  public var kind: Kind
  /// What the body says.
  public var message: String

  /// Makes an error of the users' own rules.
  init(_ kind: Kind, _ text: String) {
    self.kind = kind
    message = "auth: " + text
  }

  /// Makes an error of the request's form, whose message has no prefix.
  init(badForm message: String) {
    kind = .badRequest
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
