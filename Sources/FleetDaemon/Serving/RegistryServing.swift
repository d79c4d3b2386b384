// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import FleetWire

/// What APIs over the registry have in common: when they answer at all, and how the store's errors become answers.
///
/// A write is answered once this machine's view shows it, so who asks the same machine again sees it.
protocol RegistryServing {
  var registry: Registry { get }
  var view: RegistryView { get }
  var presence: Presence { get }
}

extension RegistryServing {
  /// Makes sure that what is asked can be answered; waits a moment for the view when its watch has just ended, as it does
  /// with the member that served it.
  func becomeReady() async throws(FleetAPIError) {
    guard presence.isReady else { throw .storeUnreachable }
    if !view.isLive { await view.waitUntilLive(within: registry.store.timeout, clock: registry.store.clock) }
    guard presence.isReady, view.isLive else { throw .storeUnreachable }
  }

  /// Waits until the view shows what was written or read at an index.
  func seen(_ index: EtcdIndex) async {
    await view.waitUntil(index, within: registry.store.timeout, clock: registry.store.clock)
  }

  /// Turns the store's errors into answers.
  func storing<Answer>(
    _ what: String,
    _ body: () async throws(EtcdError) -> Answer
  ) async throws(FleetAPIError) -> Answer {
    do {
      return try await body()
    } catch {
      switch error.code {
      case .keyNotFound: throw .unitDoesNotExist
      case .nodeExists: throw .conflict("unit was created by somebody else at the same time")
      case .raftInternal, .leaderElection: throw .failed("\(what) failed: \(error.cause)")
      default: throw .failed("\(what) failed: \(error)")
      }
    }
  }
}
