// SPDX-License-Identifier: Apache-2.0

/// A named set of permissions, and the request to make or change one: etcd uses the same shape for both.
///
/// Source: etcd v3.4.23 `etcdserver/api/v2auth/auth.go` `Role`; specs §13.
public struct AuthRole: Sendable, Equatable {
  /// The role's name.
  public var name: String
  /// What it permits.
  public var permissions: AuthPermissions
  /// What a request adds; a new role keeps an empty one as it was sent, as etcd does.
  public var grant: AuthPermissions?
  /// What a request takes away; a new role keeps an empty one as it was sent, as etcd does.
  public var revoke: AuthPermissions?

  /// Makes a role, or a request for one.
  public init(
    name: String,
    permissions: AuthPermissions = AuthPermissions(),
    grant: AuthPermissions? = nil,
    revoke: AuthPermissions? = nil
  ) {
    self.name = name
    self.permissions = permissions
    self.grant = grant
    self.revoke = revoke
  }

  /// The name of the role that may do everything; it always exists and cannot be changed.
  public static let rootName = "root"
  /// The name of the role of requests that name no user.
  public static let guestName = "guest"

  /// The role that may do everything.
  public static let root = AuthRole(name: rootName, permissions: AuthPermissions(read: ["/*"], write: ["/*"]))
  /// The role that enabling makes for requests without a user, so that nobody is shut out at once.
  public static let openGuest = AuthRole(name: guestName, permissions: AuthPermissions(read: ["/*"], write: ["/*"]))

  /// Whether a request only makes a new role.
  public var isCreation: Bool { grant?.isEmpty ?? true && revoke?.isEmpty ?? true }
}
