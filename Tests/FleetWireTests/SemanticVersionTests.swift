// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import FleetWire

@Suite struct SemanticVersionTests {
  @Test func `versions are ordered number by number`() throws {
    let versions = ["0.11.8", "1.0.0", "1.0.0+git", "0.9.10", "1.10.0", "1.9.0"].compactMap { SemanticVersion($0) }
    #expect(versions.sorted().map(\.description) == ["0.9.10", "0.11.8", "1.0.0", "1.0.0", "1.9.0", "1.10.0"])
  }

  @Test(arguments: ["", "1.0", "1.0.0.0", "a.b.c", "1.-1.0", "1..0"])
  func `what is no version is none`(text: String) {
    #expect(SemanticVersion(text) == nil)
  }
}
