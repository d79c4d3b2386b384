// SPDX-License-Identifier: Apache-2.0

/// Which keys a watch covers.
extension Watch {
  /// Whether an event of the history would have been for this watch.
  ///
  /// What stood below a removed directory is no longer known, so every watch below it matches.
  func matchesInHistory(_ event: Event) -> Bool {
    if event.isRefresh { return false }
    if covers(event.node.key) { return true }
    return event.action.removes && event.node.isDirectory && isAncestor(event.node.key, of: key)
  }

  /// Whether a key is the watched one, or lies below it with nothing hidden in between.
  func covers(_ changed: String) -> Bool {
    if haveEqualBytes(key, changed) { return true }
    return recursive && isAncestor(key, of: changed) && !isHidden(changed, below: key)
  }
}

extension EventAction {
  /// Whether the node is gone afterwards.
  var removes: Bool {
    switch self {
    case .delete, .compareAndDelete, .expire: true
    case .get, .set, .create, .update, .compareAndSwap: false
    }
  }
}

/// Whether a clean key lies strictly below another.
func isAncestor(_ ancestor: String, of key: String) -> Bool {
  if ancestor.utf8.count == 1 { return key.utf8.count > 1 }
  return key.utf8.count > ancestor.utf8.count && key.utf8.starts(with: ancestor.utf8)
    && key.utf8.dropFirst(ancestor.utf8.count).first == NodeKey.slash
}

/// Whether an element of a key below one of its ancestors starts with `_`.
func isHidden(_ key: String, below ancestor: String) -> Bool {
  let rest = key.utf8.dropFirst(ancestor.utf8.count == 1 ? 0 : ancestor.utf8.count)
  return rest.split(separator: NodeKey.slash).contains { $0.first == UInt8(ascii: "_") }
}
