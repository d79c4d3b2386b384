// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
  /// The text without blanks and tabs at both ends.
  func trimmingBlanks() -> SubSequence {
    guard let first = firstIndex(where: { $0 != " " && $0 != "\t" }) else { return self[endIndex...] }
    var end = endIndex
    while end > first, self[index(before: end)] == " " || self[index(before: end)] == "\t" {
      end = index(before: end)
    }
    return self[first..<end]
  }
}

extension String {
  /// The first place where `part` stands.
  func firstRange(ofText part: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
      start = index(after: start)
    }
    return nil
  }
}

extension String.UnicodeScalarView {
  /// Appends scalars one by one; `append(contentsOf:)` counts what is there before.
  mutating func add(_ scalars: some Sequence<Unicode.Scalar>) {
    for scalar in scalars { append(scalar) }
  }
}
