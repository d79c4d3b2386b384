// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// What others may have noticed of a step that nobody saw answered.
extension KeyStep {
  /// Unanswered steps of one kind do the same, as far as anybody can tell.
  enum UnnoticedKind: Hashable {
    case set(mayExpire: Bool)
    case create(mayExpire: Bool)
    case update(mayExpire: Bool)
    case touch(mayExpire: Bool)
    case refresh(mayExpire: Bool)
    case remove
    case removeAbove
  }

  /// Stands for every value that nobody has seen or asked for.
  private static let unseen = "\u{0}"

  /// The values that its answer shows or its condition names.
  var noticedValues: [String] {
    var values: [String?] = []
    if case .succeeded(let event) = operation.outcome { values = [event.node.value, event.previousNode?.value] }
    switch effect {
    case .update(_, let comparison, _), .remove(let comparison): values.append(comparison?.previousValue)
    case .read, .set, .create, .refresh, .removeAbove: break
    }
    return values.compactMap { $0 }
  }

  /// The step with its value replaced by one that stands for all that nobody noticed.
  func hidingValue(unless noticed: Set<String>) -> KeyStep {
    var step = self
    switch effect {
    case .set(let value, let mayExpire) where !noticed.contains(value):
      step.effect = .set(value: Self.unseen, mayExpire: mayExpire)
    case .create(let value, let mayExpire) where !noticed.contains(value):
      step.effect = .create(value: Self.unseen, mayExpire: mayExpire)
    case .update(let value?, let comparison, let mayExpire) where !noticed.contains(value):
      step.effect = .update(value: Self.unseen, comparison: comparison, mayExpire: mayExpire)
    case .read, .set, .create, .update, .refresh, .remove, .removeAbove: break
    }
    return step
  }

  /// Which steps are as good as this one; nil when there are none.
  var unnoticedKind: UnnoticedKind? {
    switch effect {
    case .set(Self.unseen, let mayExpire): .set(mayExpire: mayExpire)
    case .create(Self.unseen, let mayExpire): .create(mayExpire: mayExpire)
    case .update(Self.unseen, nil, let mayExpire): .update(mayExpire: mayExpire)
    case .update(nil, nil, let mayExpire): .touch(mayExpire: mayExpire)
    case .refresh(let mayExpire): .refresh(mayExpire: mayExpire)
    case .remove(nil): .remove
    case .removeAbove: .removeAbove
    case .read, .set, .create, .update, .remove: nil
    }
  }

  /// Whether the key holds the same afterwards whatever it held before.
  var wipesOut: Bool {
    switch effect {
    case .set, .remove(nil), .removeAbove: true
    case .read, .create, .update, .refresh, .remove: false
    }
  }
}
