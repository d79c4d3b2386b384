// SPDX-License-Identifier: Apache-2.0
import Crypto
import EtcdStore
import Synchronization

/// What this member found out about passwords lately, so that a slow hash is not made for each request.
///
/// A password is kept as a hash under a key that this process makes for itself and never shows, over the password and
/// the user's slow hash: when the user's password changes, what is known of the old one fits no more and is dropped.
///
/// Invariant: at most ``maximumUsers`` right passwords, one a user, and ``maximumRefusals`` wrong ones are kept; the
/// oldest go first.
final class VerifiedCredentials: Sendable {
  static let maximumUsers = 1_024
  static let maximumRefusals = 256

  private typealias Code = HMAC<SHA256>.MAC

  private struct Verified {
    var passwordHash: [UInt8]
    var code: Code
  }

  private struct State {
    var verified: [String: Verified] = [:]
    /// The users in `verified`, the oldest first.
    var users: [String] = []
    /// Codes of wrong passwords, the oldest first: clients with an old password ask again and again.
    var refused: [Code] = []

    mutating func forget(_ user: String) {
      guard verified.removeValue(forKey: user) != nil else { return }
      users.removeAll { $0 == user }
    }
  }

  private let key = SymmetricKey(size: .bits256)
  private let state = Mutex(State())

  /// Whether a password is right; nil when that is not known.
  func verdict(_ user: AuthUser, _ password: String) -> Bool? {
    let code = code(user, password)
    return state.withLock { state in
      if let verified = state.verified[user.name] {
        if verified.passwordHash != user.passwordHash {
          state.forget(user.name)
        } else if Self.areEqual(verified.code, code) {
          return true
        }
      }
      return state.refused.contains { Self.areEqual($0, code) } ? false : nil
    }
  }

  /// Keeps what a slow hash said.
  func note(_ user: AuthUser, _ password: String, isRight: Bool) {
    let code = code(user, password)
    state.withLock { state in
      guard isRight else {
        state.refused.append(code)
        if state.refused.count > Self.maximumRefusals { state.refused.removeFirst() }
        return
      }
      state.forget(user.name)
      state.verified[user.name] = Verified(passwordHash: user.passwordHash, code: code)
      state.users.append(user.name)
      if state.users.count > Self.maximumUsers { state.forget(state.users[0]) }
    }
  }

  /// How many right passwords are kept.
  var count: Int { state.withLock { $0.verified.count } }

  private func code(_ user: AuthUser, _ password: String) -> Code {
    var code = HMAC<SHA256>(key: key)
    // Slow hashes have one length, so where the password begins is not in doubt.
    code.update(data: user.passwordHash)
    code.update(data: Array(password.utf8))
    return code.finalize()
  }

  /// Compares in constant time, as the library does with codes.
  private static func areEqual(_ left: Code, _ right: Code) -> Bool { left == right }
}
