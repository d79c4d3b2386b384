// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// What is known of an index that a node of the model holds.
enum KnownIndex: Hashable {
  case exactly(UInt64)
  /// It was given by a write whose answer nobody saw: larger than this.
  case above(UInt64)

  /// Takes over what an answer tells of it; nil when the answer cannot be true.
  func matched(with observed: UInt64) -> KnownIndex? {
    switch self {
    case .exactly(let known): known == observed ? self : nil
    case .above(let bound): observed > bound ? .exactly(observed) : nil
    }
  }

  /// Whether it may be this number.
  func mayBe(_ number: UInt64) -> Bool { matched(with: number) != nil }

  /// Whether it may be another number.
  func mayDiffer(from number: UInt64) -> Bool { self != .exactly(number) }
}

/// One key as the model holds it between two operations: nothing, or a file.
struct KeyState: Hashable {
  struct File: Hashable {
    var value: String
    var created: KnownIndex
    var modified: KnownIndex
    /// It was written with a time to live, so that it may go at any time.
    var mayExpire: Bool
  }

  var file: File?
  /// The store's index is at least this.
  var floor: UInt64 = 0

  /// The same moment after the file has run out, if it can.
  var expired: KeyState? {
    file?.mayExpire == true ? KeyState(file: nil, floor: floor + 1) : nil
  }

  /// The state with a floor raised to an index at which an answer looked; nil when the store is beyond it.
  func seen(at index: UInt64?) -> KeyState? {
    guard let index else { return self }
    return index < floor ? nil : KeyState(file: file, floor: index)
  }
}
