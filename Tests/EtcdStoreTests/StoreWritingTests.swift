// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdStore

/// The table of specs §4, row by row.
struct StoreWritingTests {
  var store = Store()

  @Test mutating func `a set creates a file with its index and no previous node`() throws {
    let event = try store.set("/a", "1")?.get()
    #expect(
      event == Event(action: .set, node: file("/a", "1", modified: 1, created: 1), etcdIndex: EtcdIndex(1))
    )
    #expect(event?.isCreation == true)
    #expect(store.etcdIndex == EtcdIndex(1))
  }

  @Test mutating func `a set over a file gives it a new createdIndex and shows the old node`() throws {
    store.set("/a", "1")
    let event = try store.set("/a", "2")?.get()
    #expect(event?.node == file("/a", "2", modified: 2, created: 2))
    #expect(event?.previousNode == file("/a", "1", modified: 1, created: 1))
    #expect(event?.isCreation == false)
  }

  @Test mutating func `missing directories are made silently with the index of the write`() throws {
    store.set("/x")
    store.set("/a/b/c", "1", ttl: .seconds(5))
    #expect(store.etcdIndex == EtcdIndex(2))
    let directories = try ["/a", "/a/b"].map { try store.get($0, at: seconds(1_000)).node }
    #expect(directories.map(\.modifiedIndex) == [EtcdIndex(2), EtcdIndex(2)])
    #expect(directories.map(\.createdIndex) == [EtcdIndex(2), EtcdIndex(2)])
    #expect(directories.allSatisfy { $0.isDirectory && $0.expiration == nil })
  }

  @Test mutating func `a directory keeps its indexes when its children change`() throws {
    store.set("/d", dir: true)
    store.set("/d/a", "1")
    store.delete("/d/a")
    #expect(try store.get("/d", at: seconds(0)).node == directory("/d", modified: 1, created: 1))
  }

  @Test mutating func `a set with dir replaces a file by an empty directory and ignores the value`() throws {
    store.set("/a", "1")
    let event = try store.set("/a", "ignored", dir: true)?.get()
    #expect(event?.node == directory("/a", modified: 2, created: 2))
    #expect(event?.previousNode == file("/a", "1", modified: 1, created: 1))
  }

  @Test mutating func `a directory is never replaced`() {
    store.set("/d", dir: true)
    #expect(failure(store.set("/d", dir: true)) == "102 /d [1]")
    #expect(failure(store.set("/d", "x")) == "102 /d [1]")
    #expect(store.etcdIndex == EtcdIndex(1))
  }

  @Test mutating func `every write refuses the root with 107`() {
    let comparison = Comparison(previousValue: "x")
    let writes: [KeysWrite] = [
      .set(value: "x", isDirectory: false, ttl: .permanent, refresh: false),
      .set(value: "", isDirectory: true, ttl: .permanent, refresh: false),
      .create(value: "x", isDirectory: true, ttl: .permanent),
      .update(value: "", ttl: .permanent, refresh: false),
      .compareAndSwap(value: "x", comparison: comparison, ttl: .permanent, refresh: false),
      .delete(isDirectory: true, recursive: true),
      .compareAndDelete(comparison: comparison),
    ]
    for write in writes {
      #expect(failure(store.write("/", write)) == "107 / [0]")
    }
  }

  @Test mutating func `a file on the way is named by 104, whatever the write`() {
    store.set("/f", "1")
    let comparison = Comparison(previousValue: "x")
    let writes: [KeysWrite] = [
      .set(value: "x", isDirectory: false, ttl: .permanent, refresh: false),
      .create(value: "x", isDirectory: false, ttl: .permanent),
      .createInOrder(value: "x", isDirectory: false, ttl: .permanent),
      .update(value: "x", ttl: .permanent, refresh: false),
      .compareAndSwap(value: "x", comparison: comparison, ttl: .permanent, refresh: false),
      .delete(isDirectory: false, recursive: false),
      .compareAndDelete(comparison: comparison),
    ]
    for write in writes {
      #expect(failure(store.write("/f/x/y", write)) == "104 /f [1]")
    }
    #expect(throws: EtcdError(.notDirectory, cause: "/f", index: EtcdIndex(1))) {
      try store.get("/f/x/y", at: seconds(0))
    }
  }

  @Test mutating func `the first missing element is named by 100`() {
    store.set("/a/b", "1")
    #expect(failure(store.delete("/a/x/y")) == "100 /a/x [1]")
    #expect(failure(store.write("/n", .update(value: "", ttl: .permanent, refresh: false))) == "100 /n [1]")
    #expect(failure(store.write("/n/m", .compareAndDelete(comparison: Comparison()))) == "100 /n [1]")
    #expect(throws: EtcdError(.keyNotFound, cause: "/n", index: EtcdIndex(1))) {
      try store.get("/n/m", at: seconds(0))
    }
  }

  @Test mutating func `a create refuses whatever exists with 105`() throws {
    store.set("/f", "1")
    store.set("/d", dir: true)
    for key in ["/f", "/d"] {
      let result = store.write(key, .create(value: "x", isDirectory: false, ttl: .permanent))
      #expect(failure(result) == "105 \(key) [2]")
    }
    let event = try store.write("/n", .create(value: "x", isDirectory: false, ttl: .permanent))?.get()
    #expect(event?.action == .create)
    #expect(event?.isCreation == true)
  }

  @Test mutating func `an update keeps createdIndex and takes an absent value as empty`() throws {
    store.set("/a", "1", ttl: .seconds(9))
    let event = try store.write("/a", .update(value: nil, ttl: .permanent, refresh: false))?.get()
    #expect(event?.node == file("/a", "", modified: 2, created: 1))
    #expect(event?.previousNode?.ttlSeconds == 9)
  }

  @Test mutating func `an update of a directory changes its ttl and index, and refuses a value`() throws {
    store.set("/d", dir: true)
    let event = try store.write("/d", .update(value: "", ttl: .seconds(7), refresh: false))?.get()
    #expect(event?.action == .update)
    #expect(event?.node.ttlSeconds == 7)
    #expect(event?.previousNode == directory("/d", modified: 1, created: 1))
    #expect(try store.get("/d", at: seconds(0)).node.modifiedIndex == EtcdIndex(2))
    #expect(failure(store.write("/d", .update(value: "x", ttl: .permanent, refresh: false))) == "102 /d [2]")
  }

  @Test(arguments: [
    (Comparison(previousValue: "two"), "101 [two != one] [1]"),
    (Comparison(previousIndex: EtcdIndex(9)), "101 [9 != 1] [1]"),
    (Comparison(previousValue: "two", previousIndex: EtcdIndex(9)), "101 [two != one] [9 != 1] [1]"),
    (Comparison(previousValue: "one", previousIndex: EtcdIndex(9)), "101 [9 != 1] [1]"),
    (Comparison(previousValue: "two", previousIndex: EtcdIndex(1)), "101 [two != one] [1]"),
  ])
  func `a failed comparison names what differs`(comparison: Comparison, expected: String) {
    var store = Store()
    store.set("/c", "one")
    let swap = KeysWrite.compareAndSwap(value: "x", comparison: comparison, ttl: .permanent, refresh: false)
    #expect(failure(store.write("/c", swap)) == expected)
    #expect(failure(store.write("/c", .compareAndDelete(comparison: comparison))) == expected)
    #expect(store.etcdIndex == EtcdIndex(1))
  }

  @Test mutating func `a swap compares with modifiedIndex and keeps createdIndex`() throws {
    store.set("/c", "one")
    store.write("/c", .update(value: "two", ttl: .permanent, refresh: false))
    let both = Comparison(previousValue: "two", previousIndex: EtcdIndex(2))
    let swap = KeysWrite.compareAndSwap(value: "three", comparison: both, ttl: .permanent, refresh: false)
    let event = try store.write("/c", swap)?.get()
    #expect(event?.action == .compareAndSwap)
    #expect(event?.node == file("/c", "three", modified: 3, created: 1))
    #expect(event?.previousNode == file("/c", "two", modified: 2, created: 1))
  }

  @Test mutating func `comparisons are for files only`() {
    store.set("/d", dir: true)
    let comparison = Comparison(previousIndex: EtcdIndex(1))
    let swap = KeysWrite.compareAndSwap(value: "x", comparison: comparison, ttl: .permanent, refresh: false)
    #expect(failure(store.write("/d", swap)) == "102 /d [1]")
    #expect(failure(store.write("/d", .compareAndDelete(comparison: comparison))) == "102 /d [1]")
  }

  @Test mutating func `a delete shows the old node and neither value nor ttl of the new`() throws {
    store.set("/a", "1", ttl: .seconds(5))
    let event = try store.delete("/a")?.get()
    #expect(event?.node == NodeView(key: "/a", modifiedIndex: EtcdIndex(2), createdIndex: EtcdIndex(1)))
    #expect(event?.previousNode?.value == "1")
    #expect(event?.previousNode?.ttlSeconds == 5)
    #expect(store.nextExpiration == nil)
  }

  @Test mutating func `a compare-and-delete removes a file when the condition holds`() throws {
    store.set("/a", "1")
    let event = try store.write("/a", .compareAndDelete(comparison: Comparison(previousValue: "1")))?.get()
    #expect(event?.action == .compareAndDelete)
    #expect(event?.node == NodeView(key: "/a", modifiedIndex: EtcdIndex(2), createdIndex: EtcdIndex(1)))
  }

  @Test mutating func `a directory is deleted with dir when empty and with recursive always`() throws {
    store.set("/d/_hidden", "1")
    #expect(failure(store.delete("/d")) == "102 /d [1]")
    #expect(failure(store.delete("/d", dir: true)) == "108 /d [1]")
    let outcome = store.apply(
      .write(key: "/d", .delete(isDirectory: false, recursive: true)),
      at: seconds(1_000)
    )
    let event = try outcome.result?.get()
    var gone = directory("/d", modified: 2, created: 1)
    #expect(event?.node == gone)
    gone.modifiedIndex = EtcdIndex(1)
    #expect(event?.previousNode == gone)
    #expect(outcome.changes.map(\.removedDescendants) == [["/d/_hidden"]])
    #expect(store.etcdIndex == EtcdIndex(2))
    #expect(store.nodeCount == 1)
    store.set("/e", dir: true)
    #expect(try store.delete("/e", dir: true)?.get().action == .delete)
  }

  @Test mutating func `in-order children are named by their index in twenty digits`() throws {
    store.set("/x")
    let post = KeysWrite.createInOrder(value: "v", isDirectory: false, ttl: .permanent)
    let event = try store.write("/q", post)?.get()
    #expect(event?.action == .create)
    #expect(event?.node == file("/q/00000000000000000002", "v", modified: 2, created: 2))
    #expect(try store.write("/", post)?.get().node.key == "/00000000000000000003")
    #expect(try store.write("/_h", post)?.get().node.key == "/_h/00000000000000000004")
    #expect(failure(store.write("/x", post)) == "104 /x [4]")
  }

  @Test mutating func `keys differ by their bytes, not by how Unicode reads them`() throws {
    let composed = "/\u{E9}"
    let decomposed = "/e\u{301}"
    #expect(ByteString(composed) != ByteString(decomposed))
    store.set(composed, "1")
    store.set(decomposed, "2")
    #expect(store.nodeCount == 3)
    let equivalent = Comparison(previousValue: "e\u{301}")
    store.set("/v", "\u{E9}")
    #expect(failure(store.write("/v", .compareAndDelete(comparison: equivalent)))?.hasPrefix("101") == true)
  }

  @Test mutating func `a key that is too long or too deep is refused`() {
    let long = "/" + String(repeating: "k", count: NodeKey.maximumBytes)
    let deep = String(repeating: "/k", count: NodeKey.maximumElements + 1)
    #expect(failure(store.set(long))?.hasPrefix("209") == true)
    #expect(failure(store.set(deep))?.hasPrefix("209") == true)
    #expect(failure(store.set(String(deep.dropLast(2)))) == nil)
  }

  @Test mutating func `the statistics count every write once, as success or failure`() {
    store.set("/a", "1")
    store.set("/a/b", "1")
    store.delete("/a")
    store.delete("/a")
    store.write("/p", .createInOrder(value: "", isDirectory: false, ttl: .permanent))
    store.write("/", .compareAndDelete(comparison: Comparison(previousValue: "x")))
    store.statistics.countRead(succeeded: true)
    store.statistics.countRead(succeeded: false)
    var expected = StoreStatistics()
    expected.setsSuccess = 1
    expected.setsFail = 1
    expected.deleteSuccess = 1
    expected.deleteFail = 1
    expected.createSuccess = 1
    expected.compareAndDeleteFail = 1
    expected.getsSuccess = 1
    expected.getsFail = 1
    #expect(store.statistics == expected)
  }
}
