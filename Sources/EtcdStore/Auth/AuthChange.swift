// SPDX-License-Identifier: Apache-2.0

/// A change of users, roles or the switch, as it is proposed.
public enum AuthChange: Sendable, Equatable {
  /// From now on requests need permission.
  case enable
  /// Requests need no permission any more.
  case disable
  /// Makes or changes a user.
  case putUser(AuthUserChange)
  /// Removes a user.
  case deleteUser(String)
  /// Makes or changes a role.
  case putRole(AuthRole)
  /// Removes a role.
  case deleteRole(String)
}

/// What a change brought.
public enum AuthOutcome: Sendable, Equatable {
  /// It is done, and there is nothing to show.
  case done
  /// The user as it stands now. `wasCreated` is only true for users made without roles, as in etcd.
  case user(AuthUser, wasCreated: Bool)
  /// The role as it stands now.
  case role(AuthRole, wasCreated: Bool)
}
