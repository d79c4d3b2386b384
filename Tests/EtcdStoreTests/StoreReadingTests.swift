// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdStore

/// Listings, hidden nodes and the root: specs §5 and §10.
struct StoreReadingTests {
  var store = Store()

  @Test mutating func `the root has neither key nor indexes`() throws {
    store.set("/a", "1")
    let event = try store.get("/", at: seconds(0))
    #expect(
      event
        == Event(
          action: .get,
          node: NodeView(key: "", isDirectory: true, nodes: [file("/a", "1", modified: 1, created: 1)]),
          etcdIndex: EtcdIndex(1)
        )
    )
  }

  @Test mutating func `an empty directory has no list of nodes`() throws {
    #expect(try store.get("/", at: seconds(0)).node.nodes == nil)
    store.set("/d/_only", "hidden")
    #expect(try store.get("/d", at: seconds(0)).node.nodes == nil)
  }

  @Test mutating func `a plain listing shows direct children without theirs`() throws {
    store.set("/a/b/c", "1")
    store.set("/a/f", "2")
    let node = try store.get("/a", at: seconds(0)).node
    #expect(node.nodes?.map(\.key) == ["/a/b", "/a/f"])
    #expect(node.nodes?.first?.nodes == nil)
    #expect(try store.keys("/a") == ["/a/b", "/a/b/c", "/a/f"])
  }

  @Test mutating func `sorting is bytewise at every level`() throws {
    for name in ["é", "b", "a", "ab", "B", "9", "10"] { store.set("/s/\(name)/\(name)", "") }
    store.set("/s/a/_z", "")
    store.set("/s/a/A", "")
    let names = try store.keys("/s", recursive: false, sorted: true)
    #expect(names == ["/s/10", "/s/9", "/s/B", "/s/a", "/s/ab", "/s/b", "/s/é"])
    #expect(try store.keys("/s/a", sorted: true) == ["/s/a/A", "/s/a/a"])
    #expect(try Array(store.keys("/", sorted: true).prefix(5)) == ["/s", "/s/10", "/s/10/10", "/s/9", "/s/9/9"])
  }

  @Test mutating func `unsorted children stand in order of creation`() throws {
    for name in ["m", "a", "z", "c"] { store.set("/o/\(name)", "") }
    store.delete("/o/a")
    store.set("/o/m", "again")
    store.set("/o/b", "")
    #expect(try store.keys("/o") == ["/o/m", "/o/z", "/o/c", "/o/b"])
  }

  @Test mutating func `hidden nodes are left out of listings but reachable by their key`() throws {
    store.set("/u/_h/k", "1")
    store.set("/u/v_isible", "2")
    #expect(try store.keys("/u") == ["/u/v_isible"])
    #expect(try store.keys("/u/_h") == ["/u/_h/k"])
    #expect(try store.get("/u/_h/k", at: seconds(0)).node.value == "1")
    store.write("/u/_h/k", .update(value: "3", ttl: .permanent, refresh: false))
    #expect(try store.delete("/u/_h/k")?.get().previousNode?.value == "3")
  }

  @Test mutating func `a read neither takes an index nor enters the history`() throws {
    store.set("/a", "1")
    _ = try store.get("/a", recursive: true, sorted: true, at: seconds(0))
    #expect(store.etcdIndex == EtcdIndex(1))
    #expect(store.history.count == 1)
  }
}
