// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import EtcdStore

/// TTL, expiry and refresh: specs §8.
struct ExpirationTests {
  var store = Store()

  @Test mutating func `a ttl counts from the stamp and is shown rounded up`() throws {
    let event = try store.set("/a", "1", ttl: .seconds(10), at: seconds(100.5))?.get()
    #expect(event?.node.expiration == seconds(110.5))
    #expect(event?.node.ttlSeconds == 10)
    #expect(try store.get("/a", at: seconds(100.6)).node.ttlSeconds == 10)
    #expect(try store.get("/a", at: seconds(101.5)).node.ttlSeconds == 9)
    #expect(try store.get("/a", at: seconds(110.4)).node.ttlSeconds == 1)
    #expect(try store.get("/a", at: seconds(110.5)).node.ttlSeconds == nil)
    #expect(try store.get("/a", at: seconds(120)).node.ttlSeconds == nil)
  }

  @Test mutating func `a ttl of 0 expires at its own stamp`() throws {
    let event = try store.set("/a", "1", ttl: .seconds(0), at: seconds(100))?.get()
    #expect(event?.node.expiration == seconds(100))
    #expect(event?.node.ttlSeconds == nil)
    #expect(store.apply(.expire(through: seconds(100)), at: seconds(100)).changes.count == 1)
  }

  @Test mutating func `a ttl beyond the year 2262 means permanent`() throws {
    for ttl in [9_223_372_037, UInt64.max] {
      let node = try store.set("/a", "1", ttl: .seconds(ttl))?.get().node
      #expect(node?.expiration == nil)
      #expect(node?.ttlSeconds == nil)
    }
  }

  @Test mutating func `expired nodes go in order of expiration with one index and event each`() throws {
    store.set("/late", "l", ttl: .seconds(30), at: seconds(100))
    store.set("/early", "e", ttl: .seconds(10), at: seconds(100))
    store.set("/twin2", "", ttl: .seconds(20), at: seconds(100))
    store.set("/twin1", "", ttl: .seconds(20), at: seconds(100))
    store.set("/later", "", ttl: .seconds(31), at: seconds(100))
    #expect(store.nextExpiration == seconds(110))
    #expect(store.apply(.expire(through: seconds(109.9)), at: seconds(109.9)).changes.isEmpty)
    let outcome = store.apply(.expire(through: seconds(130)), at: seconds(130))
    #expect(outcome.result == nil)
    #expect(outcome.events.map(\.node.key) == ["/early", "/twin2", "/twin1", "/late"])
    #expect(outcome.events.map(\.etcdIndex.rawValue) == [6, 7, 8, 9])
    #expect(outcome.events.allSatisfy { $0.action == .expire && $0.node.value == nil })
    #expect(outcome.events[0].previousNode?.value == "e")
    #expect(store.nextExpiration == seconds(131))
    #expect(store.statistics.expireCount == 4)
  }

  @Test mutating func `a directory expires with all below it in one event`() throws {
    store.set("/d", dir: true, ttl: .seconds(10), at: seconds(100))
    store.set("/d/a", "1", ttl: .seconds(5), at: seconds(100))
    store.set("/d/s/b", "2", ttl: .seconds(50), at: seconds(100))
    store.write("/d/a", .update(value: "1", ttl: .seconds(60), refresh: false), at: seconds(100))
    let outcome = store.apply(.expire(through: seconds(110)), at: seconds(110))
    #expect(outcome.events.map(\.node.key) == ["/d"])
    #expect(outcome.events[0].node.isDirectory)
    #expect(outcome.changes[0].removedDescendants.sorted() == ["/d/a", "/d/s", "/d/s/b"])
    #expect(store.nextExpiration == nil)
    #expect(store.nodeCount == 1)
  }

  @Test mutating func `every write without a ttl makes the node permanent`() {
    let writes: [KeysWrite] = [
      .set(value: "x", isDirectory: false, ttl: .permanent, refresh: false),
      .update(value: "x", ttl: .permanent, refresh: false),
      .compareAndSwap(value: "x", comparison: Comparison(), ttl: .permanent, refresh: false),
    ]
    for write in writes {
      store.set("/a", "x", ttl: .seconds(5))
      #expect(store.nextExpiration != nil)
      store.write("/a", write)
      #expect(store.nextExpiration == nil)
    }
  }

  @Test mutating func `a new ttl replaces the old one, longer or shorter`() {
    store.set("/a", "1", ttl: .seconds(10), at: seconds(100))
    store.set("/b", "1", ttl: .seconds(20), at: seconds(100))
    store.set("/a", "1", ttl: .seconds(50), at: seconds(100))
    #expect(store.nextExpiration == seconds(120))
    store.set("/a", "1", ttl: .seconds(5), at: seconds(100))
    #expect(store.nextExpiration == seconds(105))
  }

  @Test mutating func `a refresh keeps the value and tells watchers nothing`() throws {
    store.set("/r", "keep", ttl: .seconds(50))
    let set = try store.set("/r", "", ttl: .seconds(60), refresh: true)?.get()
    #expect(set?.action == .set)
    #expect(set?.isRefresh == true)
    #expect(set?.node.value == "keep")
    #expect(set?.node.ttlSeconds == 60)
    #expect(set?.node.createdIndex == EtcdIndex(2))
    let update = try store.write("/r", .update(value: nil, ttl: .seconds(70), refresh: true))?.get()
    #expect(update?.node.value == "keep")
    #expect(update?.node.createdIndex == EtcdIndex(2))
    let comparison = Comparison(previousValue: "keep")
    let swap = KeysWrite.compareAndSwap(value: "", comparison: comparison, ttl: .seconds(80), refresh: true)
    #expect(try store.write("/r", swap)?.get().node.value == "keep")
    #expect(store.history.events.map(\.isRefresh) == [false, true, true, true])
  }

  @Test mutating func `a refresh of what is missing or a directory is refused, but for an update of the directory`()
    throws
  {
    #expect(failure(store.set("/a/n", "", ttl: .seconds(5), refresh: true)) == "100 /a [0]")
    store.set("/d", dir: true, ttl: .seconds(5))
    #expect(failure(store.set("/d", "", ttl: .seconds(5), refresh: true)) == "102 /d [1]")
    let update = KeysWrite.update(value: nil, ttl: .seconds(70), refresh: true)
    #expect(try store.write("/d", update)?.get().node.ttlSeconds == 70)
    #expect(failure(store.write("/n", update)) == "100 /n [2]")
  }

  @Test func `the heap always knows the next to expire`() {
    var generator = SeededGenerator(seed: 7)
    var store = Store()
    var expirations: [String: Int64] = [:]
    for _ in 0..<3_000 {
      let key = "/k\(Int.random(in: 0..<60, using: &generator))"
      switch Int.random(in: 0..<4, using: &generator) {
      case 0:
        store.delete(key)
        expirations[key] = nil
      case 1:
        store.set(key, "")
        expirations[key] = nil
      default:
        let ttl = UInt64.random(in: 1...40, using: &generator)
        store.set(key, "", ttl: .seconds(ttl), at: seconds(0))
        expirations[key] = Int64(ttl) * 1_000_000_000
      }
      #expect(store.nextExpiration?.nanosecondsSinceEpoch == expirations.values.min())
    }
  }
}
