// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite struct SourceTreeTests {
  @Test func `the tree is there`() {
    #expect(#filePath.hasSuffix("Tests/TidyTests/SourceTreeTests.swift"))
  }
}
