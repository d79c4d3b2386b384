// SPDX-License-Identifier: Apache-2.0
import TestKit

@testable import EtcdStore

/// Random commands over so few keys that every rule of the tree is met often.
enum RandomWrites {
  static func key(_ generator: inout SeededGenerator) -> String {
    let names = ["a", "b", "_h"]
    let depth = Int.random(in: 0...4, using: &generator)
    if depth == 0 { return Int.random(in: 0..<10, using: &generator) == 0 ? "/" : "/c" }
    return (0..<depth).map { _ in "/" + names[Int.random(in: 0..<3, using: &generator)] }.joined()
  }

  /// The leader's clock, which moves with the index.
  static func stamp(_ index: EtcdIndex) -> Timestamp {
    seconds(1_000 + Double(index.rawValue) / 4)
  }

  static func command(_ generator: inout SeededGenerator, index: EtcdIndex) -> StoreCommand {
    if Int.random(in: 0..<12, using: &generator) == 0 {
      return .expire(through: stamp(index))
    }
    if Int.random(in: 0..<12, using: &generator) == 0 { return .refresh(refreshes(&generator)) }
    return .write(key: key(&generator), write(&generator, index: index))
  }

  static func refreshes(_ generator: inout SeededGenerator) -> [KeyRefresh] {
    (0..<Int.random(in: 1...6, using: &generator)).map { _ in
      KeyRefresh(key: key(&generator), ttlSeconds: .random(in: 0...8, using: &generator))
    }
  }

  private static func write(_ generator: inout SeededGenerator, index: EtcdIndex) -> KeysWrite {
    let value = ["", "1", "2"][Int.random(in: 0..<3, using: &generator)]
    let isDirectory = Int.random(in: 0..<3, using: &generator) == 0
    let refresh = Int.random(in: 0..<5, using: &generator) == 0
    let isMortal = refresh || Bool.random(using: &generator)
    let ttl: TTLChange = isMortal ? .seconds(.random(in: 0...8, using: &generator)) : .permanent
    var comparison = Comparison()
    if Bool.random(using: &generator) { comparison.previousValue = "1" }
    if comparison.previousValue == nil || Bool.random(using: &generator) {
      comparison.previousIndex = EtcdIndex(index.rawValue - min(index.rawValue, .random(in: 0...6, using: &generator)))
    }
    switch Int.random(in: 0..<9, using: &generator) {
    case 0, 1, 2: return .set(value: value, isDirectory: isDirectory, ttl: ttl, refresh: refresh)
    case 3: return .create(value: value, isDirectory: isDirectory, ttl: ttl)
    case 4: return .createInOrder(value: value, isDirectory: isDirectory, ttl: ttl)
    case 5: return .update(value: refresh || value.isEmpty ? nil : value, ttl: ttl, refresh: refresh)
    case 6: return .compareAndSwap(value: value, comparison: comparison, ttl: ttl, refresh: refresh)
    case 7: return .delete(isDirectory: isDirectory, recursive: Int.random(in: 0..<3, using: &generator) == 0)
    default: return .compareAndDelete(comparison: comparison)
    }
  }
}
