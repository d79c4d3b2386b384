// SPDX-License-Identifier: Apache-2.0

extension Store {
  /// Reads a node, a directory with its visible children.
  ///
  /// Shape: children stand in order of creation, or with `sorted` in bytewise order of their keys, at every level.
  ///
  /// - Parameters:
  ///   - key: The key; it is cleaned first.
  ///   - recursive: Whether the whole visible tree below a directory is listed.
  ///   - sorted: Whether listings are sorted.
  ///   - now: This member's clock, for the seconds left in the answer.
  /// - Returns: An event with action `get`.
  /// - Throws: ``EtcdError`` 100 when an element is missing, 104 when one on the way is a file.
  public func get(
    _ key: String,
    recursive: Bool = false,
    sorted: Bool = false,
    at now: Timestamp
  ) throws(EtcdError) -> Event {
    let key = NodeKey.cleaned(key)
    let id = try existing(key)
    var node = view(of: id, key: key, at: now)
    if node.isDirectory {
      node.nodes = listing(of: id, key: key, recursive: recursive, sorted: sorted, at: now)
    }
    return Event(action: .get, node: node, etcdIndex: etcdIndex)
  }

  /// The node with a clean key, or the error that names what is in the way.
  func existing(_ key: String) throws(EtcdError) -> NodeID {
    if let id = tree.find(key) { return id }
    switch tree.obstacle(onWayTo: key) {
    case .file(let file): throw error(.notDirectory, file)
    case .missing(let missing): throw error(.keyNotFound, missing)
    }
  }

  /// A node, whose key is known, without its children.
  func view(of id: NodeID, key: String, at now: Timestamp) -> NodeView {
    let node = tree[id]
    return NodeView(
      key: id == NodeTree.rootID ? "" : key,
      value: node.value,
      isDirectory: node.isDirectory,
      expiration: node.expiration,
      ttlSeconds: node.expiration.flatMap { now.wholeSeconds(until: $0) },
      modifiedIndex: node.modifiedIndex,
      createdIndex: node.createdIndex
    )
  }

  private func listing(
    of id: NodeID,
    key: String,
    recursive: Bool,
    sorted: Bool,
    at now: Timestamp
  ) -> [NodeView]? {
    var views: [NodeView] = []
    for child in tree.children(of: id) where !tree[child].isHidden {
      let childKey = NodeKey.child(of: key, named: tree[child].name)
      var node = view(of: child, key: childKey, at: now)
      if recursive && node.isDirectory {
        node.nodes = listing(of: child, key: childKey, recursive: true, sorted: sorted, at: now)
      }
      views.append(node)
    }
    if sorted {
      views.sort { ByteString($0.key) < ByteString($1.key) }
    }
    return views.isEmpty ? nil : views
  }
}

extension Timestamp {
  private static let nanosecondsPerSecond: Int64 = 1_000_000_000

  /// Seconds from this moment to a later one, rounded up; nil when it is not later.
  func wholeSeconds(until later: Timestamp) -> Int64? {
    guard later > self else { return nil }
    let (distance, overflow) = later.nanosecondsSinceEpoch.subtractingReportingOverflow(nanosecondsSinceEpoch)
    if overflow { return Int64.max / Self.nanosecondsPerSecond }
    let seconds = distance / Self.nanosecondsPerSecond
    return distance % Self.nanosecondsPerSecond > 0 ? seconds + 1 : seconds
  }

  /// The moment a number of seconds later; nil when that is beyond what a timestamp can hold (the year 2262).
  func adding(seconds: UInt64) -> Timestamp? {
    guard let seconds = Int64(exactly: seconds) else { return nil }
    let (distance, tooFar) = seconds.multipliedReportingOverflow(by: Self.nanosecondsPerSecond)
    let (sum, overflow) = nanosecondsSinceEpoch.addingReportingOverflow(distance)
    return tooFar || overflow ? nil : Timestamp(nanosecondsSinceEpoch: sum)
  }
}
