// SPDX-License-Identifier: Apache-2.0
@testable import EtcdStore

/// The keyspace as slow and plain as it can be: a flat dictionary, every question answered by a walk over all keys.
///
/// It follows specs §4 and §8 and shares no code with the store.
struct StoreModel {
  struct Node: Equatable {
    /// Nil for a directory.
    var value: String?
    var created: UInt64
    var modified: UInt64
    var expiration: Int64?
  }

  enum Failure: Error, Equatable {
    case refused(Int, String)
  }

  struct Change: Equatable {
    var action: EventAction
    var key: String
    var node: Node?
    var previous: Node?
    var refresh = false
  }

  private(set) var nodes: [String: Node] = ["/": Node(created: 0, modified: 0)]
  private(set) var index: UInt64 = 0
  private(set) var changes: [Change] = []

  mutating func apply(_ command: StoreCommand, at stamp: Timestamp) -> Result<[Change], Failure> {
    let before = changes.count
    switch command {
    case .expire(let moment): expire(min(moment, stamp).nanosecondsSinceEpoch)
    case .write(let key, let write):
      do throws(Failure) {
        try perform(write, key, now: stamp.nanosecondsSinceEpoch)
      } catch {
        return .failure(error)
      }
    case .refresh(let refreshes):
      for refresh in refreshes {
        let write = KeysWrite.update(value: nil, ttl: .seconds(refresh.ttlSeconds), refresh: true)
        _ = apply(.write(key: refresh.key, write), at: stamp)
      }
    }
    return .success(Array(changes[before...]))
  }

  private mutating func perform(_ write: KeysWrite, _ key: String, now: Int64) throws(Failure) {
    switch write {
    case .set(let value, let isDirectory, let ttl, let refresh):
      try walk(key)
      let old = nodes[key]
      if refresh && old == nil { throw missing(key) }
      if key == "/" { throw .refused(107, "/") }
      if let old, old.value == nil { throw .refused(102, key) }
      let content = refresh ? old?.value : (isDirectory ? nil : value)
      change(.set, key, Node(value: content, created: index + 1, modified: index + 1), ttl, now, refresh && old != nil)
    case .create(let value, let isDirectory, let ttl):
      if key == "/" { throw .refused(107, "/") }
      try walk(key)
      if nodes[key] != nil { throw .refused(105, key) }
      let node = Node(value: isDirectory ? nil : value, created: index + 1, modified: index + 1)
      change(.create, key, node, ttl, now, false)
    case .createInOrder(let value, let isDirectory, let ttl):
      let name = String(String(100_000_000_000_000_000 + index + 1).dropFirst())
      let child = (key == "/" ? "" : key) + "/000" + name
      try walk(child)
      let node = Node(value: isDirectory ? nil : value, created: index + 1, modified: index + 1)
      change(.create, child, node, ttl, now, false)
    case .update(let value, let ttl, let refresh):
      if key == "/" { throw .refused(107, "/") }
      var node = try find(key)
      if node.value == nil && value?.isEmpty == false { throw .refused(102, key) }
      if node.value != nil && !refresh { node.value = value ?? "" }
      node.modified = index + 1
      change(.update, key, node, ttl, now, refresh)
    case .compareAndSwap(let value, let comparison, let ttl, let refresh):
      var node = try compared(key, comparison)
      if !refresh { node.value = value }
      node.modified = index + 1
      change(.compareAndSwap, key, node, ttl, now, refresh)
    case .delete(let isDirectory, let recursive):
      if key == "/" { throw .refused(107, "/") }
      let node = try find(key)
      if node.value == nil && !isDirectory && !recursive { throw .refused(102, key) }
      if !below(key).isEmpty && !recursive { throw .refused(108, key) }
      remove(.delete, key)
    case .compareAndDelete(let comparison):
      _ = try compared(key, comparison)
      remove(.compareAndDelete, key)
    }
  }

  private mutating func expire(_ moment: Int64) {
    while true {
      let due = nodes.filter { ($0.value.expiration ?? .max) <= moment }
      let next = due.min {
        ($0.value.expiration ?? 0, $0.value.modified) < ($1.value.expiration ?? 0, $1.value.modified)
      }
      guard let next else { return }
      remove(.expire, next.key)
    }
  }

  private mutating func change(
    _ action: EventAction,
    _ key: String,
    _ node: Node,
    _ ttl: TTLChange,
    _ now: Int64,
    _ refresh: Bool
  ) {
    let previous = nodes[key]
    index += 1
    for ancestor in ancestors(key) where nodes[ancestor] == nil {
      nodes[ancestor] = Node(created: index, modified: index)
    }
    var node = node
    node.expiration = nil
    if case .seconds(let seconds) = ttl { node.expiration = now + Int64(seconds) * 1_000_000_000 }
    nodes[key] = node
    changes.append(Change(action: action, key: key, node: node, previous: previous, refresh: refresh))
  }

  private mutating func remove(_ action: EventAction, _ key: String) {
    index += 1
    changes.append(Change(action: action, key: key, node: nil, previous: nodes[key]))
    for gone in below(key) + [key] { nodes[gone] = nil }
  }

  private func find(_ key: String) throws(Failure) -> Node {
    try walk(key)
    guard let node = nodes[key] else { throw missing(key) }
    return node
  }

  private func compared(_ key: String, _ comparison: Comparison) throws(Failure) -> Node {
    if key == "/" { throw .refused(107, "/") }
    let node = try find(key)
    guard let value = node.value else { throw .refused(102, key) }
    var causes: [String] = []
    if let wanted = comparison.previousValue, wanted != value { causes.append("[\(wanted) != \(value)]") }
    if let wanted = comparison.previousIndex, wanted.rawValue != node.modified {
      causes.append("[\(wanted) != \(node.modified)]")
    }
    if !causes.isEmpty { throw .refused(101, causes.joined(separator: " ")) }
    return node
  }

  /// Fails when an existing element above a key is a file.
  private func walk(_ key: String) throws(Failure) {
    for ancestor in ancestors(key) where nodes[ancestor]?.value != nil { throw .refused(104, ancestor) }
  }

  private func missing(_ key: String) -> Failure {
    .refused(100, (ancestors(key) + [key]).first { nodes[$0] == nil } ?? key)
  }

  /// The keys above a key, from the root down.
  private func ancestors(_ key: String) -> [String] {
    let elements = key.split(separator: "/")
    return (0..<elements.count).map { "/" + elements.prefix($0).joined(separator: "/") }
  }

  func below(_ key: String) -> [String] {
    nodes.keys.filter { $0 != key && $0.hasPrefix(key == "/" ? "/" : key + "/") }.sorted()
  }
}
