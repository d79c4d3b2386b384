// SPDX-License-Identifier: Apache-2.0

/// A version such as `1.0.0`, ordered number by number; what follows a `-` or `+` is left aside.
public struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The three numbers.
  public let numbers: [Int]

  /// Reads a version; nil when it does not consist of three numbers.
  public init?(_ text: String) {
    let core = text.prefix { $0 != "-" && $0 != "+" }
    let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
    guard numbers.count == 3, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
    self.numbers = numbers
  }

  /// The three numbers with dots between.
  public var description: String { numbers.map(String.init).joined(separator: ".") }

  /// Orders by the first number that differs.
  public static func < (left: SemanticVersion, right: SemanticVersion) -> Bool {
    left.numbers.lexicographicallyPrecedes(right.numbers)
  }
}
