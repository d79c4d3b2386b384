// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// Whether what was acknowledged is still there in the end.
///
/// Source: the first promise of every store, which etcd broke in issue 14370.
public struct SurvivalCheck: Sendable {
  /// The files that the store holds in the end, by key.
  public var files: [String: NodeView]
  /// The store's index in the end.
  public var etcdIndex: EtcdIndex

  /// Takes what the store holds in the end.
  ///
  /// - Parameters:
  ///   - nodes: Every node, each by itself (children in `nodes` are not looked at).
  ///   - etcdIndex: The store's index when they were read.
  public init(nodes: [NodeView], etcdIndex: EtcdIndex) {
    files = [:]
    for node in nodes where !node.isDirectory { files[node.key] = node }
    self.etcdIndex = etcdIndex
  }

  /// The first acknowledged write that is gone though nothing in the history may have removed or replaced it.
  public func check(_ operations: [ClientOperation]) -> HistoryViolation? {
    var newest: [String: (operation: ClientOperation, event: Event)] = [:]
    for operation in operations where operation.isAcknowledgedWrite {
      guard case .succeeded(let event) = operation.outcome else { continue }
      if event.node.modifiedIndex > etcdIndex {
        let what = "a write has index \(event.node.modifiedIndex), the store ends at \(etcdIndex)"
        return HistoryViolation("acknowledged writes", what, window: [operation.description])
      }
      if newest[event.node.key].map({ $0.event.node.modifiedIndex < event.node.modifiedIndex }) ?? true {
        newest[event.node.key] = (operation, event)
      }
    }
    for (key, last) in newest.sorted(by: { $0.key < $1.key }) {
      if let problem = problem(with: last.event, key, among: operations) {
        let window = [last.operation.description, "in the end: \(files[key].map(\.line) ?? "nothing at \(key)")"]
        return HistoryViolation("acknowledged writes", problem, window: window)
      }
    }
    return nil
  }

  private func problem(with event: Event, _ key: String, among operations: [ClientOperation]) -> String? {
    guard let file = files[key] else {
      if event.action.isRemoval || event.node.isDirectory || event.node.expiration != nil { return nil }
      return mayBeRemoved(key, after: event, by: operations) ? nil : "an acknowledged write is gone"
    }
    if file.modifiedIndex < event.node.modifiedIndex { return "an acknowledged write was undone" }
    if file.modifiedIndex > event.node.modifiedIndex { return nil }
    return file.value == event.node.value ? nil : "an acknowledged value has changed at its own index"
  }

  /// Whether a removal that was acknowledged later, or that nobody saw answered, explains why a key is missing.
  private func mayBeRemoved(_ key: String, after event: Event, by operations: [ClientOperation]) -> Bool {
    operations.contains { operation in
      guard case .write(let write) = operation.action,
        operation.key == key || isAncestor(operation.key, of: key)
      else { return false }
      switch operation.outcome {
      case .unknown: return write.mayRemove(isAbove: operation.key != key)
      case .succeeded(let other):
        // A directory that runs out takes everything with it.
        let expires = other.node.isDirectory && other.node.expiration != nil
        return expires || other.action.isRemoval && other.node.modifiedIndex > event.node.modifiedIndex
      case .failed, .refused: return false
      }
    }
  }
}

extension EventAction {
  /// Whether the node is gone afterwards.
  var isRemoval: Bool {
    switch self {
    case .delete, .compareAndDelete, .expire: true
    case .get, .set, .create, .update, .compareAndSwap: false
    }
  }
}

extension KeysWrite {
  /// Whether it removes the key, or gives it (or the directory above) an end.
  fileprivate func mayRemove(isAbove: Bool) -> Bool {
    switch self {
    case .delete(_, let recursive): recursive || !isAbove
    case .compareAndDelete: !isAbove
    case .set(_, let isDirectory, let ttl, _), .create(_, let isDirectory, let ttl):
      ttl != .permanent && isAbove == isDirectory
    case .update(_, let ttl, _): ttl != .permanent
    case .compareAndSwap(_, _, let ttl, _): ttl != .permanent && !isAbove
    case .createInOrder: false
    }
  }
}

extension NodeView {
  var line: String { "\(key) = \(value ?? "a directory") created \(createdIndex) modified \(modifiedIndex)" }
}
