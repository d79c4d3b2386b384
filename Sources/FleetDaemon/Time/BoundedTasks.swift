// SPDX-License-Identifier: Apache-2.0

/// Does the same to many things, a limited number at a time.
enum BoundedTasks {
  /// Runs the body for each element and returns the results in no particular order.
  @discardableResult
  static func run<Element: Sendable, Result: Sendable>(
    _ elements: [Element],
    atOnce limit: Int,
    _ body: @escaping @Sendable (Element) async -> Result
  ) async -> [Result] {
    await withTaskGroup(of: Result.self) { group in
      var remaining = elements.makeIterator()
      for _ in 0..<limit {
        guard let element = remaining.next() else { break }
        group.addTask { await body(element) }
      }
      var results: [Result] = []
      results.reserveCapacity(elements.count)
      while let result = await group.next() {
        results.append(result)
        if let element = remaining.next() { group.addTask { await body(element) } }
      }
      return results
    }
  }
}
