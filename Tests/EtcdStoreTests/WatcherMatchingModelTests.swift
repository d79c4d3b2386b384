// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import EtcdStore

/// The hub's look-ups against a matcher that asks every watcher in turn.
struct WatcherMatchingModelTests {
  /// Specs §11 word by word, over lists of elements.
  private func isTold(_ watch: Watch, of change: StoreChange) -> Bool {
    let event = change.event
    if event.isRefresh { return false }
    if let start = watch.waitIndex, event.etcdIndex < start { return false }
    let watched = watch.key.split(separator: "/")
    let changed = event.node.key.split(separator: "/")
    if watched == changed { return true }
    let isBelow = changed.count > watched.count && Array(changed.prefix(watched.count)) == watched
    let isHidden = changed.dropFirst(watched.count).contains { $0.hasPrefix("_") }
    if watch.recursive && isBelow && !isHidden { return true }
    return change.removedDescendants.contains(watch.key)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `the hub tells exactly those a naive matcher tells`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var store = Store()
    var hub = WatcherHub()
    var watches: [WatcherID: Watch] = [:]
    var lastID: UInt64 = 0
    for _ in 0..<2_000 {
      if watches.count < 60 {
        lastID += 1
        let start = Bool.random(using: &generator) ? EtcdIndex(store.etcdIndex.rawValue + 3) : nil
        let watch = Watch(
          key: RandomWrites.key(&generator),
          recursive: Bool.random(using: &generator),
          waitIndex: start,
          stream: Bool.random(using: &generator)
        )
        #expect(hub.register(WatcherID(lastID), watch, in: store) == .registered(history: []))
        watches[WatcherID(lastID)] = watch
      }
      let command = RandomWrites.command(&generator, index: store.etcdIndex)
      for change in store.apply(command, at: RandomWrites.stamp(store.etcdIndex)).changes {
        let told = hub.notify(change).map(\.watcher)
        let expected = watches.filter { isTold($0.value, of: change) }.map(\.key)
        #expect(told.sorted() == expected.sorted())
        for id in expected where watches[id]?.stream == false { watches[id] = nil }
      }
      if let id = watches.keys.min(), Int.random(in: 0..<10, using: &generator) == 0 {
        hub.cancel(id)
        watches[id] = nil
      }
      #expect(hub.count == watches.count)
    }
  }

  @Test func `ten thousand watchers elsewhere do not slow a change down`() {
    let alone = timeOfChanges(watchersElsewhere: 1)
    let crowded = timeOfChanges(watchersElsewhere: 10_000)
    // Asking each watcher in turn would take hundreds of times as long.
    #expect(crowded < alone * 20, "\(alone) with one watcher, \(crowded) with ten thousand")
  }

  private func timeOfChanges(watchersElsewhere count: UInt64) -> Duration {
    var store = Store()
    var hub = WatcherHub()
    for number in 0..<count {
      let watch = Watch(key: "/watched/\(number)", recursive: true, stream: true)
      _ = hub.register(WatcherID(number), watch, in: store)
    }
    return ContinuousClock().measure {
      for number in 0..<2_000 {
        let write = KeysWrite.set(value: "", isDirectory: false, ttl: .permanent, refresh: false)
        for change in store.apply(.write(key: "/x/\(number)", write), at: seconds(0)).changes {
          #expect(hub.notify(change).isEmpty)
        }
      }
    }
  }
}
