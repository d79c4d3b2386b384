// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Synchronization

/// Refreshes of this machine's records that the store may keep back, to write them together with those of others.
///
/// Nobody waits for them, so that a container which starts meanwhile is announced at once. What they tell that is to be
/// done is told at the next turn, which is asked for when there is any.
final class PatientRefreshes: Sendable {
  /// What the answers so far say.
  struct Findings {
    /// Keys that are gone, or not what they should be.
    var lost: Set<String> = []
    /// Why the store cannot be used now, if so.
    var failure: EtcdError?
  }

  private let store: any KeysAPI
  private let needsTurn: @Sendable (_ isRefreshDue: Bool) -> Void
  private let state = Mutex((underWay: 0, findings: Findings()))

  /// Makes a keeper without refreshes under way.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - needsTurn: Told when there are findings, and whether refreshes are due once more.
  init(store: any KeysAPI, needsTurn: @escaping @Sendable (_ isRefreshDue: Bool) -> Void) {
    self.store = store
    self.needsTurn = needsTurn
  }

  /// Asks for refreshes, unless earlier ones are still under way.
  ///
  /// - Parameter seconds: Times to live by key; the shortest bounds the patience for all.
  func refresh(_ seconds: [String: UInt64]) {
    guard let shortest = seconds.values.min() else { return }
    let isFree = state.withLock { state in
      guard state.underWay == 0 else { return false }
      state.underWay = seconds.count
      return true
    }
    guard isFree else { return }
    let patience = min(Duration.seconds(5), .seconds(shortest) / 6)
    for (key, ttl) in seconds.sorted(by: { $0.key < $1.key }) {
      let refresh = KeysWrite.update(value: nil, ttl: .seconds(ttl), refresh: true)
      store.perform(.write(key: key, refresh, patience: patience)) { [self] in note(key, $0) }
    }
  }

  /// Takes out what the answers said.
  func takeFindings() -> Findings {
    state.withLock { state in
      defer { state.findings = Findings() }
      return state.findings
    }
  }

  private func note(_ key: String, _ result: Result<KeysReply, EtcdError>) {
    let isRefreshDue: Bool? = state.withLock { state in
      state.underWay -= 1
      if case .failure(let error) = result {
        if RecordPublisher.isAboutKey(error) {
          state.findings.lost.insert(key)
        } else {
          state.findings.failure = error
        }
      }
      guard state.underWay == 0, state.findings.failure != nil || !state.findings.lost.isEmpty else { return nil }
      return state.findings.failure != nil
    }
    if let isRefreshDue { needsTurn(isRefreshDue) }
  }
}
