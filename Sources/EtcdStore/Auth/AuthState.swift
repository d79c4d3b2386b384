// SPDX-License-Identifier: Apache-2.0

/// The users and roles of a cluster, and whether they count: a part of the replicated state.
///
/// Invariant: there is no role named `root` in `roles`; it is ``AuthRole/root``, always.
/// Source: etcd v3.4.23 `etcdserver/api/v2auth/auth.go`; specs §13.
public struct AuthState: Sendable, Equatable {
  /// Whether requests need permission.
  public internal(set) var isEnabled = false
  var users: [ByteString: AuthUser] = [:]
  var roles: [ByteString: AuthRole] = [:]

  /// Makes the state of a new cluster: nobody is known, and everything is allowed.
  public init() {}

  // MARK: Changes

  /// Carries out a change; nothing happens when it is refused.
  ///
  /// - Throws: ``AuthError`` in etcd's words.
  public mutating func apply(_ change: AuthChange) throws(AuthError) -> AuthOutcome {
    switch change {
    case .enable:
      try enable()
      return .done
    case .disable:
      guard isEnabled else { throw AuthError(.conflict, "already disabled") }
      isEnabled = false
      return .done
    case .putUser(let change): return try put(change)
    case .deleteUser(let name):
      guard !isEnabled || !haveEqualBytes(name, AuthUser.rootName) else {
        throw AuthError(.forbidden, "Cannot delete root user while auth is enabled.")
      }
      guard users.removeValue(forKey: ByteString(name)) != nil else {
        throw AuthError(.notFound, "User \(name) does not exist")
      }
      return .done
    case .putRole(let role): return try put(role)
    case .deleteRole(let name):
      try refuseRoot(name)
      guard roles.removeValue(forKey: ByteString(name)) != nil else {
        throw AuthError(.notFound, "Role \(name) doesn't exist.")
      }
      return .done
    }
  }

  private mutating func enable() throws(AuthError) {
    guard !isEnabled else { throw AuthError(.conflict, "already enabled") }
    guard user(AuthUser.rootName) != nil else {
      throw AuthError(.conflict, "No root user available, please create one")
    }
    if role(AuthRole.guestName) == nil { roles[ByteString(AuthRole.guestName)] = .openGuest }
    isEnabled = true
  }

  // MARK: Queries

  /// The users, in the order of their names.
  public var allUsers: [AuthUser] { users.sorted { $0.key < $1.key }.map(\.value.withRootRole) }

  /// A user; nil when there is none.
  public func user(_ name: String) -> AuthUser? { users[ByteString(name)]?.withRootRole }

  /// The roles with `root`, in the order of their names.
  public var allRoles: [AuthRole] {
    (roles.map(\.value) + [.root]).sorted { ByteString($0.name) < ByteString($1.name) }
  }

  /// A role; nil when there is none.
  public func role(_ name: String) -> AuthRole? {
    haveEqualBytes(name, AuthRole.rootName) ? .root : roles[ByteString(name)]
  }

  /// A user that must be there.
  ///
  /// - Throws: ``AuthError``, 404.
  public func existingUser(_ name: String) throws(AuthError) -> AuthUser {
    guard let user = user(name) else { throw AuthError(.notFound, "User \(name) does not exist.") }
    return user
  }

  /// A role that must be there.
  ///
  /// - Throws: ``AuthError``, 404.
  public func existingRole(_ name: String) throws(AuthError) -> AuthRole {
    guard let role = role(name) else { throw AuthError(.notFound, "Role \(name) does not exist.") }
    return role
  }

  // MARK: Users

  private mutating func put(_ change: AuthUserChange) throws(AuthError) -> AuthOutcome {
    let hasRoles = !(change.roles ?? []).isEmpty
    guard change.grant.isEmpty && change.revoke.isEmpty else {
      guard !hasRoles else { throw AuthError(badForm: "User JSON contains both roles and grant/revoke") }
      return try update(change)
    }
    // A password alone may be meant for a new user or for one that is there; roles are only for a new one.
    if !hasRoles, user(change.name) != nil { return try update(change) }
    return try create(change, wasCreated: !hasRoles)
  }

  private mutating func create(_ change: AuthUserChange, wasCreated: Bool) throws(AuthError) -> AuthOutcome {
    guard let passwordHash = change.passwordHash else {
      throw AuthError(.badRequest, "Cannot create user \(change.name) with an empty password")
    }
    guard users[ByteString(change.name)] == nil else {
      throw AuthError(.conflict, "User \(change.name) already exists.")
    }
    let user = AuthUser(name: change.name, passwordHash: passwordHash, roles: change.roles).withRootRole
    users[ByteString(change.name)] = user
    return .user(user, wasCreated: wasCreated)
  }

  private mutating func update(_ change: AuthUserChange) throws(AuthError) -> AuthOutcome {
    let name = change.name
    let old = try existingUser(name)
    var roles = Set((old.roles ?? []).map { ByteString($0) })
    for role in change.grant where !roles.insert(ByteString(role)).inserted {
      throw AuthError(.conflict, "Granting duplicate role \(role) for user \(name)")
    }
    for role in change.revoke where roles.remove(ByteString(role)) == nil {
      throw AuthError(.conflict, "Revoking ungranted role \(role) for user \(name)")
    }
    let new = AuthUser(
      name: name,
      passwordHash: change.passwordHash ?? old.passwordHash,
      roles: roles.sorted().map(\.text)
    )
    guard new != old else {
      throw AuthError(.badRequest, "User not updated. Use grant/revoke/password to update the user.")
    }
    users[ByteString(name)] = new
    return .user(new, wasCreated: false)
  }

  // MARK: Roles

  private mutating func put(_ request: AuthRole) throws(AuthError) -> AuthOutcome {
    let name = request.name
    if request.isCreation {
      try refuseRoot(name)
      guard roles[ByteString(name)] == nil else { throw AuthError(.conflict, "Role \(name) already exists.") }
      roles[ByteString(name)] = request
      return .role(request, wasCreated: true)
    }
    guard request.permissions.isEmpty else {
      throw AuthError(badForm: "Role JSON contains both permissions and grant/revoke")
    }
    try refuseRoot(name)
    let old = try existingRole(name)
    let permissions = try old.permissions.granting(request.grant).revoking(request.revoke)
    let new = AuthRole(name: name, permissions: permissions)
    guard new != old else {
      throw AuthError(.badRequest, "Role not updated. Use grant/revoke to update the role.")
    }
    roles[ByteString(name)] = new
    return .role(new, wasCreated: false)
  }

  private func refuseRoot(_ name: String) throws(AuthError) {
    guard !haveEqualBytes(name, AuthRole.rootName) else {
      throw AuthError(.forbidden, "Cannot modify role \(name): is root role.")
    }
  }
}
