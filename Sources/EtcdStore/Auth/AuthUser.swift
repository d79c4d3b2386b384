// SPDX-License-Identifier: Apache-2.0

/// A user with the hash of its password.
///
/// Shape: `roles` is as it was sent when the user was made (nil for `null`), sorted and without repetitions after the
/// first change. `passwordHash` is opaque here: whoever proposes a change makes it, whoever verifies reads it.
public struct AuthUser: Sendable, Equatable {
  /// The user's name.
  public var name: String
  /// The salted hash of the password, never shown to anyone.
  public var passwordHash: [UInt8]
  /// The names of its roles, whether or not they exist.
  public var roles: [String]?

  /// Makes a user.
  public init(name: String, passwordHash: [UInt8], roles: [String]? = nil) {
    self.name = name
    self.passwordHash = passwordHash
    self.roles = roles
  }

  /// The name of the user that always has the role `root`, and without which users cannot be enabled.
  public static let rootName = "root"

  /// The user as everyone but its own record sees it: `root` has the role `root`, whatever else was said.
  var withRootRole: AuthUser {
    guard haveEqualBytes(name, Self.rootName) else { return self }
    let roles = roles ?? []
    guard !roles.contains(where: { haveEqualBytes($0, AuthRole.rootName) }) else { return self }
    var user = self
    user.roles = roles + [AuthRole.rootName]
    return user
  }
}

/// What a request wants of a user, with the password hashed already.
///
/// Source: etcd v3.4.23 `etcdserver/api/v2auth/auth.go` `User`; specs §13.
public struct AuthUserChange: Sendable, Equatable {
  /// The user's name.
  public var name: String
  /// The hash of the new password; nil when the request has none.
  public var passwordHash: [UInt8]?
  /// The roles of a new user; empty or nil when none are given.
  public var roles: [String]?
  /// Roles to add.
  public var grant: [String]
  /// Roles to take away.
  public var revoke: [String]

  /// Makes a change.
  public init(
    name: String,
    passwordHash: [UInt8]? = nil,
    roles: [String]? = nil,
    grant: [String] = [],
    revoke: [String] = []
  ) {
    self.name = name
    self.passwordHash = passwordHash
    self.roles = roles
    self.grant = grant
    self.revoke = revoke
  }
}
