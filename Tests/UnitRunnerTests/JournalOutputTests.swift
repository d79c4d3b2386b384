// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing
import Units

@testable import UnitRunner

/// What units write, in the journal.
@Suite struct JournalOutputTests {
  private func records(_ units: SupervisionFixture, _ unit: String) -> [JournalRecord] {
    let selection = JournalSelection([unit])
    var reader = units.supervision.journalReader(JournalReader.Request(selection: selection))
    return reader.read().records
  }

  @Test func `entries know the run, the process, the level and the name of what wrote them`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": """
          [Service]
          Type=oneshot
          SyslogIdentifier=speaker
          ExecStart=/bin/sh -c 'echo $INVOCATION_ID; echo "<3>bad"; printf "\\\\377\\\\n"'
          """
        ])
        try await units.start("a.service")
        try await eventually("three lines") { records(units, "a.service").filter { $0.stream == .output }.count == 3 }
        let lines = records(units, "a.service").filter { $0.stream == .output }
        #expect(lines.map(\.level) == [6, 3, 6])
        #expect(lines[1].text == "bad")
        #expect(lines[2].message == [0xff])
        #expect(lines.allSatisfy { $0.identifier == "speaker" && $0.unit == "a.service" && $0.processID != nil })
        #expect(
          lines.allSatisfy { $0.invocation == lines[0].text && $0.machineID == "0123456789abcdef0123456789abcdef" }
        )
        try await eventually("the end is told") {
          records(units, "a.service").contains { $0.text.hasPrefix("Stopped") }
        }
        let told = records(units, "a.service").filter { $0.stream == .coracle }
        #expect(told.allSatisfy { $0.invocation == lines[0].text && $0.identifier == "coracle" })
      }
    }
  }

  @Test func `lines beyond a unit's limit are counted and told`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load([
          "a.service": """
          [Service]
          Type=oneshot
          LogRateLimitIntervalSec=1s
          LogRateLimitBurst=5
          ExecStart=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 $(seq 9 200); do echo $i; [ $i -lt 8 ] || sleep 0.3; done'
          """
        ])
        try await units.start("a.service")
        // The first five, and what is said when the second is over, which begins with the first line that was read.
        func numbers() -> [Int] { records(units, "a.service").compactMap { Int($0.text) } }
        try await eventually("a line of the next second") { numbers().count > 5 }
        #expect(numbers().prefix(5) == [1, 2, 3, 4, 5])
        let next = numbers()[5]
        #expect(next > 8)
        let texts = records(units, "a.service").map(\.text)
        let told = try #require(texts.firstIndex(of: "Suppressed \(next - 6) messages from a.service"))
        #expect(texts[told + 1] == "\(next)")
      }
    }
  }

  @Test func `entries of a unit that was unloaded stay`() async throws {
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(directory: directory) { units in
        try await units.load(["a.service": "[Service]\nType=oneshot\nExecStart=/bin/echo spoken\n"])
        try await units.start("a.service")
        try await eventually("the line") { records(units, "a.service").contains { $0.text == "spoken" } }
        try await units.supervision.unload(try UnitName("a.service"))
        #expect(records(units, "a.service").contains { $0.text == "spoken" })
      }
    }
  }
}
