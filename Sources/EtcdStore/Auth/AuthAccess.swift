// SPDX-License-Identifier: Apache-2.0

/// What a request wants to do with a key.
public struct AuthAccess: Sendable, Equatable {
  /// The text after `/v2/keys`, decoded but as it was sent: a slash at its end counts.
  public var key: String
  /// Whether it writes.
  public var isWrite: Bool
  /// Whether it reaches below the key.
  public var isRecursive: Bool

  /// Makes an access.
  public init(key: String, isWrite: Bool, isRecursive: Bool) {
    self.key = key
    self.isWrite = isWrite
    self.isRecursive = isRecursive
  }
}

// Who may do what.
extension AuthState {
  /// Whether a request without a user may do something: the role `guest` decides.
  ///
  /// Differs: it obeys the rule for recursive requests, as every other role does; etcd leaves it out here.
  public func allowsGuest(_ access: AuthAccess) -> Bool {
    guard isEnabled else { return true }
    return role(AuthRole.guestName)?.permissions.allow(access) ?? false
  }

  /// Whether a user whose password was right may do something: one of its roles must allow it.
  public func allows(_ user: AuthUser, _ access: AuthAccess) -> Bool {
    guard isEnabled else { return true }
    return (user.roles ?? []).contains { name in
      haveEqualBytes(name, AuthRole.rootName) || role(name)?.permissions.allow(access) ?? false
    }
  }

  /// Whether a user whose password was right may change the cluster, users and roles.
  public func isRoot(_ user: AuthUser) -> Bool {
    (user.roles ?? []).contains { haveEqualBytes($0, AuthRole.rootName) }
  }
}
