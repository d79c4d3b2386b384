// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
public import EtcdWire
import Raft

// The auth routes and the guards of all others stand on these.
extension EtcdMember: AuthAPI {
  /// Whether requests need permission.
  public var isAuthEnabled: Bool { keyspace.isAuthEnabled }

  /// The users and roles as this member has applied them.
  public var authState: AuthState { keyspace.auth }

  /// Carries out a change on all members.
  public func changeAuth(
    _ request: AuthRequest,
    answer: @escaping @Sendable (Result<AuthOutcome, AuthFailure>) -> Void
  ) {
    switch request {
    case .enable: propose(.enable, answer)
    case .disable: propose(.disable, answer)
    case .deleteUser(let name): propose(.deleteUser(name), answer)
    case .putRole(let role): propose(.putRole(role), answer)
    case .deleteRole(let name): propose(.deleteRole(name), answer)
    case .putUser(let user):
      let change = AuthUserChange(name: user.name, roles: user.roles, grant: user.grant, revoke: user.revoke)
      guard !user.password.isEmpty else { return propose(.putUser(change), answer) }
      passwords.hash(user.password, roundsLog2: configuration.passwordRoundsLog2) { [self] hash in
        guard let hash else { return answer(.failure(.failed(reason: ServerErrors.tooManyPasswords))) }
        var hashed = change
        hashed.passwordHash = hash
        propose(.putUser(hashed), answer)
      }
    }
  }

  /// Finds out who a client is.
  public func verify(_ credentials: AuthCredentials, answer: @escaping @Sendable (AuthVerdict) -> Void) {
    guard let user = keyspace.auth.user(credentials.username) else { return answer(.unknown) }
    passwords.verify(user, credentials.password, answer)
  }

  private func propose(
    _ change: AuthChange,
    _ answer: @escaping @Sendable (Result<AuthOutcome, AuthFailure>) -> Void
  ) {
    let id = host.nextRequestID()
    let bytes = ReplicatedCommand.encode(.auth(change), proposer: configuration.memberID, request: id)
    submit(id, .proposal(.command(bytes)), .auth(answer))
  }
}
