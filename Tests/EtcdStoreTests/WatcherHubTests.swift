// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdStore

/// A store with a hub beside it, as a member has them.
struct WatchedStore {
  var store: Store
  var hub = WatcherHub()
  private var lastID: UInt64 = 0

  init(store: Store = Store()) {
    self.store = store
  }

  /// Registers a watch; the id counts from 1.
  @discardableResult
  mutating func watch(
    _ key: String,
    recursive: Bool = false,
    from index: UInt64? = nil,
    stream: Bool = false
  ) -> WatchRegistration {
    lastID += 1
    let watch = Watch(key: key, recursive: recursive, waitIndex: index.map { EtcdIndex($0) }, stream: stream)
    return hub.register(WatcherID(lastID), watch, in: store)
  }

  /// Applies a command and gives `id key` of everyone told.
  mutating func told(_ command: StoreCommand, at stamp: Timestamp = seconds(1_000)) -> [String] {
    store.apply(command, at: stamp).changes.flatMap { hub.notify($0) }.map {
      "\($0.watcher.rawValue) \($0.event.node.key)"
    }
  }

  mutating func set(_ key: String) -> [String] {
    told(.write(key: key, .set(value: "v", isDirectory: false, ttl: .permanent, refresh: false)))
  }

  mutating func delete(_ key: String) -> [String] {
    told(.write(key: key, .delete(isDirectory: true, recursive: true)))
  }
}

/// Matching of live watches and of the history: specs §11 and §23.
struct WatcherHubTests {
  var watched = WatchedStore()

  @Test mutating func `a watch is told of its key and, when recursive, of what lies below`() {
    watched.watch("/foo", stream: true)
    watched.watch("/foo", recursive: true, stream: true)
    watched.watch("/", recursive: true, stream: true)
    watched.watch("/", stream: true)
    #expect(watched.set("/foo/bar/baz") == ["2 /foo/bar/baz", "3 /foo/bar/baz"])
    #expect(watched.set("/foobar") == ["3 /foobar"])
    _ = watched.delete("/foo")
    #expect(watched.set("/foo") == ["1 /foo", "2 /foo", "3 /foo"])
  }

  @Test mutating func `a one-shot watch is told once and forgotten`() {
    watched.watch("/a")
    #expect(watched.set("/a") == ["1 /a"])
    #expect(watched.hub.count == 0)
    #expect(watched.set("/a").isEmpty)
  }

  @Test mutating func `the last event of a one-shot watch says so`() throws {
    watched.watch("/a")
    watched.watch("/a", stream: true)
    let change = watched.store.apply(
      .write(key: "/a", .set(value: "", isDirectory: false, ttl: .permanent, refresh: false)),
      at: seconds(0)
    ).changes[0]
    #expect(watched.hub.notify(change).map(\.isLast) == [true, false])
  }

  @Test mutating func `nothing hidden between a watch and a key is told`() {
    watched.watch("/a", recursive: true, stream: true)
    watched.watch("/a/_h", recursive: true, stream: true)
    watched.watch("/a/_h/k", stream: true)
    #expect(watched.set("/a/_h/k") == ["3 /a/_h/k", "2 /a/_h/k"])
    #expect(watched.set("/a/_h/x/_y/z").isEmpty)
    #expect(watched.set("/a/b_c") == ["1 /a/b_c"])
  }

  @Test mutating func `watchers of removed descendants get the event of the removed ancestor`() {
    _ = watched.set("/d/a/_k")
    watched.watch("/d/a/_k", stream: true)
    watched.watch("/d/a", recursive: true, stream: true)
    watched.watch("/d/missing", stream: true)
    watched.watch("/d", recursive: true, stream: true)
    watched.watch("/", recursive: true, stream: true)
    #expect(watched.delete("/d") == ["4 /d", "5 /d", "2 /d", "1 /d"])
  }

  @Test mutating func `an expired directory tells its descendants' watchers too`() {
    let directory = KeysWrite.set(value: "", isDirectory: true, ttl: .seconds(5), refresh: false)
    _ = watched.told(.write(key: "/d", directory), at: seconds(100))
    _ = watched.set("/d/k")
    watched.watch("/d/k")
    #expect(watched.told(.expire(through: seconds(105)), at: seconds(105)) == ["1 /d"])
  }

  @Test mutating func `a refresh tells nobody`() {
    _ = watched.set("/a")
    watched.watch("/a", stream: true)
    let refresh = KeysWrite.set(value: "", isDirectory: false, ttl: .seconds(5), refresh: true)
    #expect(watched.told(.write(key: "/a", refresh)).isEmpty)
    #expect(watched.watch("/a", from: 2) == .registered(history: []))
  }

  @Test mutating func `a watch in the past gets the first match of the history at once`() throws {
    for key in ["/a", "/b", "/a", "/b"] { _ = watched.set(key) }
    guard case .finished(let event) = watched.watch("/b", from: 1) else {
      Issue.record("the watch was not answered")
      return
    }
    #expect(event.etcdIndex == EtcdIndex(2))
    #expect(watched.hub.count == 0)
    #expect(watched.watch("/c", from: 1) == .registered(history: []))
  }

  @Test mutating func `a stream in the past gets all its matches and goes on`() throws {
    for key in ["/a/x", "/b", "/a/y"] { _ = watched.set(key) }
    guard case .registered(let events) = watched.watch("/a", recursive: true, from: 1, stream: true) else {
      Issue.record("the stream was not registered")
      return
    }
    #expect(events.map(\.node.key) == ["/a/x", "/a/y"])
    #expect(watched.set("/a/z") == ["1 /a/z"])
  }

  @Test mutating func `a watch in the future waits for its index`() {
    watched.watch("/a", from: 3)
    #expect(watched.set("/a").isEmpty)
    #expect(watched.set("/a").isEmpty)
    #expect(watched.set("/a") == ["1 /a"])
  }

  @Test func `an index that has left the history is 401, whatever the key`() {
    var watched = WatchedStore(store: Store(historyCapacity: 10))
    for _ in 0..<15 { _ = watched.set("/a") }
    let cause = "the requested history has been cleared [6/5]"
    let expected = EtcdError(.eventIndexCleared, cause: cause, index: EtcdIndex(15))
    #expect(watched.watch("/other", from: 5) == .failed(expected))
    #expect(watched.hub.count == 0)
    guard case .finished(let event) = watched.watch("/a", from: 6) else {
      Issue.record("the watch was not answered")
      return
    }
    #expect(event.etcdIndex == EtcdIndex(6))
  }

  @Test mutating func `the history matches like live watches, by elements and without what is hidden`() {
    _ = watched.set("/w/ab/k")
    _ = watched.set("/w/_h/k")
    _ = watched.delete("/w/ab")
    #expect(watched.watch("/w/abcd", from: 3) == .registered(history: []))
    #expect(watched.watch("/w", recursive: true, from: 2, stream: true) != .registered(history: []))
    guard case .registered(let events) = watched.watch("/w", recursive: true, from: 2, stream: true) else { return }
    #expect(events.map(\.node.key) == ["/w/ab"])
    guard case .finished(let removal) = watched.watch("/w/ab/k", from: 2) else {
      Issue.record("the removal of the directory was not found")
      return
    }
    #expect(removal.action == .delete)
  }

  @Test mutating func `a waitIndex of 0 means from now on`() {
    _ = watched.set("/a")
    #expect(watched.watch("/a", from: 0) == .registered(history: []))
    #expect(watched.set("/a") == ["1 /a"])
  }

  @Test mutating func `a cancelled watch is told nothing, and may be cancelled again`() {
    watched.watch("/a", stream: true)
    watched.watch("/a", stream: true)
    watched.hub.cancel(WatcherID(1))
    watched.hub.cancel(WatcherID(1))
    watched.hub.cancel(WatcherID(99))
    #expect(watched.set("/a") == ["2 /a"])
  }
}
