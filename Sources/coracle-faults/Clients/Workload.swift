// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Foundation
import Histories
import Synchronization

/// The clients of one run: writers and readers on shared registers, and watchers over all of it.
///
/// Concurrency: each client has a thread; ``finish(within:)`` waits for them.
final class Workload: Sendable {
  private struct State {
    var isStopping = false
    /// Watchers go on until they have seen this index; set once the writers have ended.
    var lastIndex: EtcdIndex?
    var writersLeft: Int
    var watchersLeft: Int
    var history = History()
  }

  static let clientCount = 6
  static let watcherCount = 3

  /// The directory that the run has to itself.
  let root: String
  private let state: Mutex<State>

  init(root: String, members: MemberDirectory, seed: UInt64) {
    self.root = root
    state = Mutex(State(writersLeft: Self.clientCount, watchersLeft: Self.watcherCount))
    for number in 0..<Self.clientCount {
      start { [self] in
        var client = WorkloadClient(number: number, root: root, members: members, seed: seed)
        while !state.withLock({ $0.isStopping }) { client.step() }
        client.readAll()
        let operations = client.operations
        state.withLock { state in
          state.history.operations += operations
          state.writersLeft -= 1
        }
      }
    }
    for number in 0..<Self.watcherCount {
      start { [self] in
        var client = WatchingClient(number: Self.clientCount + number, root: root, members: members)
        while !hasSeenAll(client) {
          client.follow { seen in self.hasSeen(seen) }
        }
        let watches = client.watches
        state.withLock { state in
          state.history.watches += watches
          state.watchersLeft -= 1
        }
      }
    }
  }

  private func start(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.stackSize = 1 << 20
    thread.start()
  }

  private func hasSeenAll(_ client: WatchingClient) -> Bool {
    hasSeen(client.watches.last.flatMap { $0.events.last?.node.modifiedIndex ?? $0.startedIndex })
  }

  /// Whether a watcher that has seen everything up to an index is done; one that is given up on is, too.
  private func hasSeen(_ index: EtcdIndex?) -> Bool {
    state.withLock { state in
      guard let last = state.lastIndex else { return false }
      return index.map { $0 >= last } ?? false
    }
  }

  /// How many operations have been answered by clients that have ended.
  func stopWriters() {
    state.withLock { $0.isStopping = true }
  }

  /// Whether all writers have ended.
  var writersHaveEnded: Bool { state.withLock { $0.writersLeft == 0 } }

  /// Lets the watchers end once they have seen everything that the writers know to have happened.
  func stopWatchers() {
    state.withLock { state in
      let indexes = state.history.operations.filter(\.isAcknowledgedWrite).compactMap(\.observedIndex)
      state.lastIndex = indexes.max() ?? EtcdIndex(0)
    }
  }

  /// Whether all watchers have ended.
  var watchersHaveEnded: Bool { state.withLock { $0.watchersLeft == 0 } }

  /// What all clients did and saw; complete once all have ended.
  var history: History { state.withLock { $0.history } }
}
