// SPDX-License-Identifier: Apache-2.0

/// The writes, each with its checks in the order in which specs §4 lists them.
extension Store {
  mutating func perform(_ write: KeysWrite, on key: String, at stamp: Timestamp) throws(EtcdError) -> StoreChange {
    guard NodeKey.isWithinLimits(key) else { throw error(.invalidField, "the key is too long or too deep") }
    switch write {
    case .set(let value, let isDirectory, let ttl, let refresh):
      let content = Content(value: isDirectory ? nil : value, expiration: ttl.expiration(from: stamp))
      return try set(key, content, refresh: refresh, at: stamp)
    case .create(let value, let isDirectory, let ttl):
      let content = Content(value: isDirectory ? nil : value, expiration: ttl.expiration(from: stamp))
      if key == NodeKey.root { throw error(.rootReadOnly, key) }
      return try create(key, content, at: stamp)
    case .createInOrder(let value, let isDirectory, let ttl):
      let content = Content(value: isDirectory ? nil : value, expiration: ttl.expiration(from: stamp))
      return try create(NodeKey.child(of: key, named: inOrderName(of: etcdIndex.next)), content, at: stamp)
    case .update(let value, let ttl, let refresh):
      return try update(key, value ?? "", ttl.expiration(from: stamp), refresh: refresh, at: stamp)
    case .compareAndSwap(let value, let comparison, let ttl, let refresh):
      let content = Content(value: value, expiration: ttl.expiration(from: stamp))
      return try compareAndSwap(key, content, comparison, refresh: refresh, at: stamp)
    case .delete(let isDirectory, let recursive):
      return try delete(key, isDirectory: isDirectory, recursive: recursive, at: stamp)
    case .compareAndDelete(let comparison):
      return try compareAndDelete(key, comparison, at: stamp)
    }
  }

  /// What a write puts into a node; a nil value makes it a directory.
  private struct Content {
    var value: String?
    var expiration: Timestamp?
  }

  private mutating func set(
    _ key: String,
    _ content: Content,
    refresh: Bool,
    at stamp: Timestamp
  ) throws(EtcdError) -> StoreChange {
    guard let id = tree.find(key) else {
      switch tree.obstacle(onWayTo: key) {
      case .file(let file): throw error(.notDirectory, file)
      case .missing(let missing): if refresh { throw error(.keyNotFound, missing) }
      }
      let id = insert(key, content)
      return finish(.set, id, key, previous: nil, refresh: false, at: stamp)
    }
    if id == NodeTree.rootID { throw error(.rootReadOnly, key) }
    guard let oldValue = tree[id].value else { throw error(.notFile, key) }
    let previous = view(of: id, key: key, at: stamp)
    tree[id].value = refresh ? oldValue : content.value
    tree[id].createdIndex = etcdIndex.next
    touch(id, expiration: content.expiration)
    return finish(.set, id, key, previous: previous, refresh: refresh, at: stamp)
  }

  private mutating func create(
    _ key: String,
    _ content: Content,
    at stamp: Timestamp
  ) throws(EtcdError) -> StoreChange {
    if tree.find(key) != nil { throw error(.nodeExists, key) }
    if case .file(let file) = tree.obstacle(onWayTo: key) { throw error(.notDirectory, file) }
    let id = insert(key, content)
    return finish(.create, id, key, previous: nil, refresh: false, at: stamp)
  }

  private mutating func update(
    _ key: String,
    _ value: String,
    _ expiration: Timestamp?,
    refresh: Bool,
    at stamp: Timestamp
  ) throws(EtcdError) -> StoreChange {
    if key == NodeKey.root { throw error(.rootReadOnly, key) }
    let id = try existing(key)
    if tree[id].isDirectory && !value.isEmpty { throw error(.notFile, key) }
    let previous = view(of: id, key: key, at: stamp)
    if !tree[id].isDirectory && !refresh { tree[id].value = value }
    // Differs: the original leaves a directory's stored modifiedIndex behind the one it reports (specs §23).
    touch(id, expiration: expiration)
    return finish(.update, id, key, previous: previous, refresh: refresh, at: stamp)
  }

  private mutating func compareAndSwap(
    _ key: String,
    _ content: Content,
    _ comparison: Comparison,
    refresh: Bool,
    at stamp: Timestamp
  ) throws(EtcdError) -> StoreChange {
    let id = try comparedFile(key, comparison)
    let previous = view(of: id, key: key, at: stamp)
    if !refresh { tree[id].value = content.value }
    touch(id, expiration: content.expiration)
    return finish(.compareAndSwap, id, key, previous: previous, refresh: refresh, at: stamp)
  }

  private mutating func delete(
    _ key: String,
    isDirectory: Bool,
    recursive: Bool,
    at stamp: Timestamp
  ) throws(EtcdError) -> StoreChange {
    if key == NodeKey.root { throw error(.rootReadOnly, key) }
    let id = try existing(key)
    if tree[id].isDirectory {
      guard isDirectory || recursive else { throw error(.notFile, key) }
      guard tree[id].firstChild == nil || recursive else { throw error(.directoryNotEmpty, key) }
    }
    return remove(id, key, .delete, at: stamp)
  }

  private mutating func compareAndDelete(
    _ key: String,
    _ comparison: Comparison,
    at stamp: Timestamp
  ) throws(EtcdError) -> StoreChange {
    remove(try comparedFile(key, comparison), key, .compareAndDelete, at: stamp)
  }

  /// Removes every node that has expired by a moment, in order of expiration.
  mutating func expire(through moment: Timestamp) -> [StoreChange] {
    var changes: [StoreChange] = []
    while let id = tree.nextToExpire, let expiration = tree[id].expiration, expiration <= moment {
      changes.append(remove(id, tree.key(of: id), .expire, at: moment))
      statistics.expireCount += 1
    }
    return changes
  }
}

// The steps that writes share.
extension Store {
  private mutating func insert(_ key: String, _ content: Content) -> NodeID {
    let id = tree.insert(key: key, value: content.value, index: etcdIndex.next)
    tree.setExpiration(of: id, to: content.expiration)
    return id
  }

  /// Marks a node as changed by the write at hand.
  private mutating func touch(_ id: NodeID, expiration: Timestamp?) {
    tree.setExpiration(of: id, to: nil)
    tree[id].modifiedIndex = etcdIndex.next
    tree.setExpiration(of: id, to: expiration)
  }

  private mutating func finish(
    _ action: EventAction,
    _ id: NodeID,
    _ key: String,
    previous: NodeView?,
    refresh: Bool,
    at stamp: Timestamp
  ) -> StoreChange {
    let event = Event(
      action: action,
      node: view(of: id, key: key, at: stamp),
      previousNode: previous,
      etcdIndex: etcdIndex.next,
      isRefresh: refresh
    )
    record(event)
    return StoreChange(event: event)
  }

  private mutating func remove(
    _ id: NodeID,
    _ key: String,
    _ action: EventAction,
    at stamp: Timestamp
  ) -> StoreChange {
    let previous = view(of: id, key: key, at: stamp)
    let event = Event(
      action: action,
      node: NodeView(
        key: previous.key,
        isDirectory: previous.isDirectory,
        modifiedIndex: etcdIndex.next,
        createdIndex: previous.createdIndex
      ),
      previousNode: previous,
      etcdIndex: etcdIndex.next
    )
    let removed = tree.remove(id)
    record(event)
    return StoreChange(event: event, removedDescendants: removed)
  }

  /// The file a comparison holds for.
  private func comparedFile(_ key: String, _ comparison: Comparison) throws(EtcdError) -> NodeID {
    // Differs: the original answers 102 without a cause to a compare-and-delete of the root (specs §23).
    if key == NodeKey.root { throw error(.rootReadOnly, key) }
    let id = try existing(key)
    guard let value = tree[id].value else { throw error(.notFile, key) }
    var differences: [String] = []
    if let wanted = comparison.previousValue, !haveEqualBytes(wanted, value) {
      differences.append("[\(wanted) != \(value)]")
    }
    if let wanted = comparison.previousIndex, wanted != tree[id].modifiedIndex {
      differences.append("[\(wanted) != \(tree[id].modifiedIndex)]")
    }
    guard differences.isEmpty else { throw error(.testFailed, differences.joined(separator: " ")) }
    return id
  }

  /// The name of an in-order child: its index in 20 digits, so that bytewise order is order of creation.
  private func inOrderName(of index: EtcdIndex) -> String {
    let digits = String(index.rawValue)
    return String(repeating: "0", count: 20 - digits.utf8.count) + digits
  }
}

extension TTLChange {
  /// When a node expires that gets this TTL now; nil when it is permanent.
  ///
  /// Differs: seconds beyond the year 2262 mean permanent; the original overflows to permanent or to the past.
  fileprivate func expiration(from stamp: Timestamp) -> Timestamp? {
    switch self {
    case .permanent: nil
    case .seconds(let seconds): stamp.adding(seconds: seconds)
    }
  }
}
