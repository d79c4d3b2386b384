// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Units that are no services.
@Suite struct PassiveUnitTests {
  @Test func `a target is active from its start to its stop, and starts what it wants`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "all.target": "[Unit]\nDescription=Everything\nWants=a.service\nRequires=b.service\nAfter=b.service",
          "a.service": "[Service]\nExecStart=/bin/sleep 1000",
          "b.service": "[Service]\nExecStart=/bin/sleep 1000",
        ])
        #expect(await units.words("all.target") == "inactive/dead")
        try await units.start("all.target")
        try await units.expect("all.target", "active/active")
        try await units.expect("a.service", "active/running")
        try await units.expect("b.service", "active/running")
        let status = try await units.status("all.target")
        #expect(status.warnings.isEmpty && status.unit.problem == nil && status.sinceEpochMilliseconds != nil)
        try await units.stop("b.service")
        try await units.expect("all.target", "inactive/dead")
        try await units.expect("a.service", "active/running")
        try await eventually("the journal") {
          try await units.status("all.target").journal.map(\.text) == [
            "Reached target Everything.", "Stopped target Everything.",
          ]
        }
      }
    }
  }

  @Test func `a target stays active when the node is another process`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory, stopsUnits: false) { units in
        try await units.load(["all.target": "[Unit]\nDescription=Everything"])
        try await units.start("all.target")
        try await units.expect("all.target", "active/active")
      }
      try await SupervisionFixture.with(directory: directory) { units in
        #expect(await units.words("all.target") == "active/active")
        try await units.supervision.unload(try UnitName("all.target"))
        #expect(await units.words("all.target") == "gone")
      }
    }
  }
}
