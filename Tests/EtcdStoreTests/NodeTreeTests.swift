// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import EtcdStore

/// The tree's slots, links and index.
struct NodeTreeTests {
  @Test func `a node takes at most 88 bytes beside its texts`() {
    #expect(MemoryLayout<Node>.stride <= 88)
  }

  @Test(arguments: 1...5)
  func `nodes are found by key through growth and removals`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var tree = NodeTree()
    var keys: Set<String> = []
    for _ in 0..<4_000 {
      let key = "/\(Int.random(in: 0..<20, using: &random))/key-\(Int.random(in: 0..<200, using: &random))"
      if let id = tree.find(key) {
        let wasKnown = keys.remove(key) != nil
        #expect(wasKnown)
        #expect(tree.key(of: id) == key)
        if Bool.random(using: &random) {
          let below = tree.remove(id)
          #expect(below.isEmpty)
        } else {
          keys.insert(key)
        }
      } else {
        #expect(!keys.contains(key))
        let id = tree.insert(key: key, value: "x", index: .zero)
        #expect(tree[id].name == NodeKey.lastElement(of: key) && tree.find(key) == id)
        keys.insert(key)
      }
    }
    for key in keys { #expect(tree.find(key).map { tree.key(of: $0) } == key) }
    let directories = Set(keys.compactMap(NodeKey.parent(of:))).count
    #expect(tree.count >= keys.count + directories + 1)
  }

  @Test func `removing a directory tells every key below, parents first`() throws {
    var tree = NodeTree()
    for key in ["/a/b/c", "/a/b/d/e", "/a/f", "/g"] { _ = tree.insert(key: key, value: "x", index: .zero) }
    let removed = tree.remove(try #require(tree.find("/a")))
    #expect(removed == ["/a/b", "/a/f", "/a/b/c", "/a/b/d", "/a/b/d/e"])
    #expect(tree.count == 2 && tree.find("/a/b/c") == nil && tree.find("/g") != nil)
  }

  @Test func `what stands in the way of a key is named`() {
    var tree = NodeTree()
    _ = tree.insert(key: "/a/file", value: "x", index: .zero)
    #expect(tree.obstacle(onWayTo: "/a/file/b/c") == .file(key: "/a/file"))
    #expect(tree.obstacle(onWayTo: "/a/b/c") == .missing(key: "/a/b"))
    #expect(tree.obstacle(onWayTo: "/b") == .missing(key: "/b"))
  }

  @Test func `a copy stays as it was while the tree changes`() {
    var store = Store()
    for number in 0..<2_000 { store.set("/directory-\(number % 7)/key-\(number)", "old") }
    let copy = store
    let hash = copy.stateHash
    for number in 0..<2_000 where number % 3 == 0 { store.set("/directory-\(number % 7)/key-\(number)", "new") }
    for number in 0..<100 { store.set("/more/key-\(number)", "new") }
    #expect(copy.stateHash == hash)
    #expect(store.stateHash != hash)
  }
}
