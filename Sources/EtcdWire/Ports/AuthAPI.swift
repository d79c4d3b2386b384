// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// What a request wants of a user, with the password as it was sent.
public struct AuthUserRequest: Sendable, Equatable {
  /// The user's name.
  public var name: String
  /// The new password; empty when the request has none.
  public var password: String
  /// The roles of a new user; nil when none are named.
  public var roles: [String]?
  /// Roles to add.
  public var grant: [String]
  /// Roles to take away.
  public var revoke: [String]

  /// Makes a request.
  public init(
    name: String,
    password: String = "",
    roles: [String]? = nil,
    grant: [String] = [],
    revoke: [String] = []
  ) {
    self.name = name
    self.password = password
    self.roles = roles
    self.grant = grant
    self.revoke = revoke
  }
}

/// A request to change users, roles or the switch.
public enum AuthRequest: Sendable, Equatable {
  /// From now on requests need permission.
  case enable
  /// Requests need no permission any more.
  case disable
  /// Makes or changes a user.
  case putUser(AuthUserRequest)
  /// Removes a user.
  case deleteUser(String)
  /// Makes or changes a role.
  case putRole(AuthRole)
  /// Removes a role.
  case deleteRole(String)
}

/// Why a change of users or roles was not made.
public enum AuthFailure: Error, Sendable, Equatable {
  /// The rules forbid it: the answer has the error's own status and words.
  case refused(AuthError)
  /// It was not carried out, or its outcome is unknown (timeout, no leader); the reason is for the log: 500.
  case failed(reason: String)
}

/// A name and a password as a request carries them.
public struct AuthCredentials: Sendable, Equatable {
  /// The user's name.
  public var username: String
  /// The password.
  public var password: String

  /// Makes credentials.
  public init(username: String, password: String) {
    self.username = username
    self.password = password
  }
}

/// Who a client turned out to be.
public enum AuthVerdict: Sendable, Equatable {
  /// The user, whose password was right.
  case user(AuthUser)
  /// There is no such user, or the password is wrong.
  case unknown
  /// Too many passwords wait to be looked at; the client may try again.
  case busy
}

/// The port through which the auth routes and the guards of all others see users and roles.
///
/// Concurrency: every call returns at once and may be made from any thread. Properties are this member's own view, never
/// a round trip. Closures are called exactly once, at once or on a thread of the implementation's choice, which must
/// not be blocked.
public protocol AuthAPI: Sendable {
  /// Whether requests need permission; asked for each request.
  var isAuthEnabled: Bool { get }
  /// The users and roles as this member has them now.
  var authState: AuthState { get }
  /// Carries out a change on all members; passwords are hashed before they leave this one.
  func changeAuth(_ request: AuthRequest, answer: @escaping @Sendable (Result<AuthOutcome, AuthFailure>) -> Void)
  /// Finds out who a client is; costs a slow hash when the same was not asked lately.
  func verify(_ credentials: AuthCredentials, answer: @escaping @Sendable (AuthVerdict) -> Void)
}
