// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// The linearizable operations of a history, sorted by the keys that they concern.
///
/// An operation on a directory is a step of every key below it: removing it removes them, and finding it missing finds
/// them missing. Directories themselves are not modelled.
struct KeyHistories {
  private(set) var steps: [String: [KeyStep]] = [:]

  /// Sorts operations, in the order of their invocation.
  init(_ operations: [ClientOperation]) {
    let relevant = operations.filter { $0.isLinearizable && $0.outcome != .refused }
      .sorted { ($0.invoked, $0.client) < ($1.invoked, $1.client) }
    var files: Set<String> = []
    var expiringDirectories: Set<String> = []
    for operation in relevant {
      files.insert(Self.concernedKey(of: operation))
      if Self.makesExpiringDirectory(operation) { expiringDirectories.insert(operation.key) }
    }
    let keys = files.sorted()
    for operation in relevant {
      if let step = Self.step(operation, below: expiringDirectories) {
        steps[Self.concernedKey(of: operation), default: []].append(step)
      }
      guard Self.concernsBelow(operation) else { continue }
      for key in keys where isAncestor(operation.key, of: key) {
        steps[key, default: []].append(KeyStep(operation: operation, effect: .removeAbove))
      }
    }
  }

  /// The node that an operation is about: of an answered in-order creation the new one.
  private static func concernedKey(of operation: ClientOperation) -> String {
    if case .write(.createInOrder) = operation.action, case .succeeded(let event) = operation.outcome {
      return event.node.key
    }
    return operation.key
  }

  private static func makesExpiringDirectory(_ operation: ClientOperation) -> Bool {
    switch operation.action {
    case .write(.set(_, true, .seconds, _)), .write(.create(_, true, .seconds)), .write(.update(nil, .seconds, _)):
      true
    default: false
    }
  }

  /// Whether it tells something about every key below its own.
  private static func concernsBelow(_ operation: ClientOperation) -> Bool {
    guard case .write(.delete(_, true)) = operation.action else { return false }
    return switch operation.outcome {
    case .succeeded, .unknown: true
    case .failed(let error): error.code == .keyNotFound
    case .refused: false
    }
  }

  private static func step(_ operation: ClientOperation, below expiring: Set<String>) -> KeyStep? {
    if case .succeeded(let event) = operation.outcome, event.node.isDirectory { return nil }
    let key = concernedKey(of: operation)
    let isShortLived = expiring.contains { isAncestor($0, of: key) }
    guard let effect = effect(of: operation, isShortLived: isShortLived) else { return nil }
    return KeyStep(operation: operation, effect: effect)
  }

  private static func effect(of operation: ClientOperation, isShortLived: Bool) -> KeyStep.Effect? {
    func mayExpire(_ ttl: TTLChange) -> Bool { ttl != .permanent || isShortLived }
    switch operation.action {
    case .read: return operation.outcome == .unknown ? nil : .read
    case .write(let write):
      switch write {
      case .set(_, true, _, _), .create(_, true, _), .createInOrder(_, true, _): return nil
      case .set(let value, false, let ttl, let refresh):
        return refresh ? .refresh(mayExpire: mayExpire(ttl)) : .set(value: value, mayExpire: mayExpire(ttl))
      case .create(let value, false, let ttl): return .create(value: value, mayExpire: mayExpire(ttl))
      case .createInOrder(let value, false, let ttl):
        // Nobody knows which key an unanswered one made.
        guard case .succeeded = operation.outcome else { return nil }
        return .create(value: value, mayExpire: mayExpire(ttl))
      case .update(let value, let ttl, let refresh):
        return .update(value: refresh ? nil : value ?? "", comparison: nil, mayExpire: mayExpire(ttl))
      case .compareAndSwap(let value, let comparison, let ttl, let refresh):
        return .update(value: refresh ? nil : value, comparison: comparison, mayExpire: mayExpire(ttl))
      case .delete: return .remove(comparison: nil)
      case .compareAndDelete(let comparison): return .remove(comparison: comparison)
      }
    }
  }
}

/// Whether a clean key lies strictly below another.
func isAncestor(_ ancestor: String, of key: String) -> Bool {
  ancestor == "/" ? key != "/" : key.hasPrefix(ancestor + "/")
}
