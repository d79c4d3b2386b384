// SPDX-License-Identifier: Apache-2.0
import Testing

/// The whole tree against the rules of the house.
@Suite struct SourceTreeTests {
  @Test func `every file of the tree follows the rules`() throws {
    let files = try SourceTree.files()
    #expect(files.count > 100)
    let violations = files.flatMap(TidyRules.violations(in:)).map(\.description)
    #expect(violations.isEmpty, "\n\(violations.joined(separator: "\n"))")
  }

  @Test func `every target with a folder has a row in the layering table, and every row a folder`() throws {
    let folders = Set(try SourceTree.files().filter(\.isSource).map(\.target))
    #expect(folders.subtracting(LayeringTable.rows.keys) == [])
    #expect(Set(LayeringTable.rows.keys).subtracting(folders) == [])
  }

  @Test func `the layering table has no cycle`() {
    var done: Set<String> = []
    var rest = LayeringTable.rows.mapValues { $0.own.intersection(LayeringTable.rows.keys) }
    while let next = rest.keys.sorted().first(where: { rest[$0]?.isSubset(of: done) == true }) {
      done.insert(next)
      rest[next] = nil
    }
    #expect(rest.isEmpty)
  }
}
