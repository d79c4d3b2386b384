// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Units

/// Checks announced services, each at its own interval, for as long as they are wanted.
final class ServiceChecks: Sendable {
  typealias Key = CheckLedger.Key

  /// How many services are checked; more stay unknown and so without a record.
  static let limit = 1_000

  private struct Contents {
    var wanted: Set<Key> = []
    var running: Set<Key> = []
  }

  private let contents = Mutex(Contents())
  private let probe: any ServiceProbing
  private let clock: any Clock<Duration>
  private let changes: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init(probe: any ServiceProbing, clock: any Clock<Duration>) {
    self.probe = probe
    self.clock = clock
    (changes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Says what is to be checked from now on.
  func want(_ keys: Set<Key>) {
    let isNew = contents.withLock { contents in
      defer { contents.wanted = keys }
      return !keys.isSubset(of: contents.wanted)
    }
    if isNew { continuation.yield() }
  }

  /// Checks until the task is cancelled and tells each result.
  func run(_ tell: @escaping @Sendable (Key, Bool) async -> Void) async {
    await withDiscardingTaskGroup { group in
      for await _ in changes {
        let new = contents.withLock { contents in
          let room = max(0, Self.limit - contents.running.count)
          let new = contents.wanted.subtracting(contents.running).prefix(room)
          contents.running.formUnion(new)
          return Array(new)
        }
        for key in new { group.addTask { await self.check(key, tell) } }
      }
      group.cancelAll()
    }
  }

  private func check(_ key: Key, _ tell: @Sendable (Key, Bool) async -> Void) async {
    guard let check = key.announcement.check else { return }
    while isWanted(key) {
      await tell(key, await probe.passes(check))
      guard (try? await clock.sleep(for: check.interval)) != nil else { return }
    }
  }

  /// Whether a service is still to be checked; its loop is over when not.
  private func isWanted(_ key: Key) -> Bool {
    contents.withLock { contents in
      let isWanted = contents.wanted.contains(key)
      if !isWanted { contents.running.remove(key) }
      return isWanted
    }
  }
}
