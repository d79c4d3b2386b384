// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Raft
import TestKit
import Testing

@_spi(Simulation) @testable import EtcdServer

@Suite struct WatchTests {
  @Test func `a stream sees every event once and in order, whenever it begins`() async throws {
    try await LoopbackCluster.with(size: 3) { cluster in
      let leader = try await cluster.leader()
      let follower = try await cluster.follower()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for number in 1...400 { try await leader.set("/w/\(number % 7)", "\(number)") }
        }
        for _ in 0..<10 {
          group.addTask {
            let watch = KeysWatch(key: "/w", recursive: true, waitIndex: EtcdIndex(1), stream: true)
            var expected = EtcdIndex(1)
            for await case .event(let event) in follower.updates(of: watch) {
              #expect(event.etcdIndex == expected)
              expected = expected.next
              if event.etcdIndex == EtcdIndex(400) { break }
            }
            #expect(expected == EtcdIndex(401))
          }
          try await Task.sleep(for: .milliseconds(5))
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func `a watch from now begins with the index it was registered at`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      try await member.set("/a", "1")
      let seen = Shared<[KeysWatchUpdate]>([])
      _ = member.watch(KeysWatch(key: "/a", recursive: false, stream: false)) { update in
        seen.update { $0.append(update) }
      }
      let reply = try await member.set("/a", "2")
      let updates = seen.value
      #expect(updates.count == 3)
      guard case .started(let index, let raftIndex, _) = updates[0] else { return #expect(Bool(false), "\(updates)") }
      #expect(index == EtcdIndex(1) && raftIndex > 0)
      #expect(updates[1] == .event(reply.event))
      #expect(updates[2] == .closed)
    }
  }

  @Test func `history that is gone is error 401`() async throws {
    try await LoopbackCluster.with(size: 1, { $0.historyCapacity = 10 }) { cluster in
      let member = cluster.members[0]
      for number in 1...20 { try await member.set("/h", "\(number)") }
      let watch = KeysWatch(key: "/h", recursive: false, waitIndex: EtcdIndex(10), stream: false)
      var seen: [KeysWatchUpdate] = []
      for await update in member.updates(of: watch) { seen.append(update) }
      let cause = "the requested history has been cleared [11/10]"
      #expect(seen == [.failed(EtcdError(.eventIndexCleared, cause: cause, index: EtcdIndex(20)))])
    }
  }

  @Test func `a cancelled watch is silent`() async throws {
    try await LoopbackCluster.with(size: 1) { cluster in
      let member = cluster.members[0]
      let seen = Shared<[KeysWatchUpdate]>([])
      let cancellation = member.watch(KeysWatch(key: "/", recursive: true, stream: true)) { update in
        seen.update { $0.append(update) }
      }
      #expect(member.metrics.watcherCount == 1)
      cancellation.cancel()
      cancellation.cancel()
      try await member.set("/a", "1")
      #expect(seen.value.count == 1)
      #expect(member.metrics.watcherCount == 0)
    }
  }

  private func event(_ index: UInt64) -> Event {
    Event(action: .set, node: NodeView(key: "/a"), etcdIndex: EtcdIndex(index))
  }

  @Test func `a consumer that is too slow is closed, after what it has`() {
    let seen = Shared<[KeysWatchUpdate]>([])
    let box = Shared<WatchDelivery?>(nil)
    // While the first event is being delivered, more come than may wait.
    let delivery = WatchDelivery { update in
      seen.update { $0.append(update) }
      guard update == .event(self.event(1)), let delivery = box.value else { return }
      for index in 2...UInt64(WatchDelivery.maximumWaiting + 1) {
        #expect(delivery.add(self.event(index), isLast: false))
      }
      #expect(!delivery.add(self.event(999), isLast: false))
      delivery.flush()
    }
    box.value = delivery
    #expect(delivery.add(event(1), isLast: false))
    delivery.flush()
    let updates = seen.value
    #expect(updates.count == WatchDelivery.maximumWaiting + 2)
    #expect(updates.last == .closed)
    #expect(!delivery.add(event(1_000), isLast: false))
    box.value = nil
  }

  /// A member that gets a snapshot does not know the events in between, and must not pass over them in silence.
  @Test func `a snapshot ends the watches, and who begins again gets what was skipped`() {
    let keyspace = Keyspace(historyCapacity: 10, clocks: .system)
    let ahead = Keyspace(historyCapacity: 10, clocks: .system)
    let set = StoreCommand.write(key: "/a", .set(value: "x", isDirectory: false, ttl: .permanent, refresh: false))
    func entry(_ index: UInt64) -> Entry {
      Entry(term: Term(1), index: LogIndex(index), kind: .command, timestampNanoseconds: 1, data: [])
    }
    _ = keyspace.apply(set, of: entry(1))
    for index in 1...3 as ClosedRange<UInt64> { _ = ahead.apply(set, of: entry(index)) }

    let seen = Shared<[KeysWatchUpdate]>([])
    let watch = KeysWatch(key: "/a", recursive: false, waitIndex: EtcdIndex(2), stream: true)
    _ = keyspace.watch(watch, WatchDelivery { update in seen.update { $0.append(update) } })
    let metadata = SnapshotMetadata(
      index: LogIndex(3),
      term: Term(1),
      timestampNanoseconds: 1,
      configuration: Configuration(voters: [MemberID(1)])
    )
    keyspace.replace(store: ahead.copy().store, membership: Membership(), auth: AuthState(), at: metadata)
    _ = keyspace.apply(set, of: entry(4))
    #expect(seen.value.map(\.eventIndex) == [nil, nil], "it stood, and was closed")
    #expect(seen.value.last == .closed)

    seen.update { $0 = [] }
    _ = keyspace.watch(watch, WatchDelivery { update in seen.update { $0.append(update) } })
    #expect(seen.value.map(\.eventIndex) == [nil, 2, 3, 4])
  }

  @Test func `nothing is delivered after a cancel from within`() {
    let seen = Shared<[KeysWatchUpdate]>([])
    let box = Shared<WatchDelivery?>(nil)
    let delivery = WatchDelivery { update in
      seen.update { $0.append(update) }
      box.value?.cancel()
    }
    box.value = delivery
    delivery.begin([.event(event(1)), .event(event(2))])
    delivery.flush()
    #expect(seen.value == [.event(event(1))])
    box.value = nil
  }
}

extension KeysWatchUpdate {
  fileprivate var eventIndex: UInt64? {
    if case .event(let event) = self { event.node.modifiedIndex.rawValue } else { nil }
  }
}
