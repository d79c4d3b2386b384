// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
public import EtcdWire
public import Synchronization

/// Users and roles without a cluster: changes happen at once, and the hash of a password is itself after a salt.
public final class MemoryUsers: AuthAPI {
  /// What there is, and how it answers.
  public struct Facts: Sendable {
    /// The users and roles.
    public var state = AuthState()
    /// What every change fails with; nil lets it pass.
    public var failure: String?
    /// Whether passwords are looked at.
    public var isBusy = false
    fileprivate var salt: UInt8 = 0
  }

  /// The facts, for a test to read and change.
  public let facts = Mutex(Facts())

  /// Makes the users of a new cluster: none.
  public init() {}

  /// Whether requests need permission.
  public var isAuthEnabled: Bool { authState.isEnabled }
  /// The users and roles.
  public var authState: AuthState { facts.withLock { $0.state } }

  /// Carries out a change at once.
  public func changeAuth(
    _ request: AuthRequest,
    answer: @escaping @Sendable (Result<AuthOutcome, AuthFailure>) -> Void
  ) {
    let result: Result<AuthOutcome, AuthFailure> = facts.withLock { facts in
      if let failure = facts.failure { return .failure(.failed(reason: failure)) }
      do throws(AuthError) {
        facts.salt &+= 1
        return .success(try facts.state.apply(Self.change(request, salt: facts.salt)))
      } catch {
        return .failure(.refused(error))
      }
    }
    answer(result)
  }

  /// Compares the password.
  public func verify(_ credentials: AuthCredentials, answer: @escaping @Sendable (AuthVerdict) -> Void) {
    let (user, isBusy) = facts.withLock { ($0.state.user(credentials.username), $0.isBusy) }
    guard let user, user.passwordHash.dropFirst().elementsEqual(credentials.password.utf8) else {
      return answer(.unknown)
    }
    answer(isBusy ? .busy : .user(user))
  }

  private static func change(_ request: AuthRequest, salt: UInt8) -> AuthChange {
    switch request {
    case .enable: .enable
    case .disable: .disable
    case .deleteUser(let name): .deleteUser(name)
    case .putRole(let role): .putRole(role)
    case .deleteRole(let name): .deleteRole(name)
    case .putUser(let user):
      .putUser(
        AuthUserChange(
          name: user.name,
          passwordHash: user.password.isEmpty ? nil : [salt] + Array(user.password.utf8),
          roles: user.roles,
          grant: user.grant,
          revoke: user.revoke
        )
      )
    }
  }
}
