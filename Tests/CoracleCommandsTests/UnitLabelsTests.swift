// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Testing

@testable import CoracleCommands

@Suite struct UnitLabelsTests {
  private static let environment = [
    "CORACLE_UNIT": "a.service", "CORACLE_MACHINE_ID": "m1", "INVOCATION_ID": "run1",
  ]

  private func labels(_ words: String..., environment: [String: String] = Self.environment) throws -> [String: String] {
    UnitLabels.labels(for: try DockerCommandLine(parsing: words), environment: environment, processID: 7)
  }

  @Test func `containers of a unit's shell lines are labelled with the unit, and with the run they belong to`() throws {
    let unit = ["coracle.machine": "m1", "coracle.unit": "a.service"]
    #expect(try labels("run", "-d", "busybox") == unit)
    #expect(try labels("create", "busybox") == unit)
    let attached = try labels("run", "--rm", "busybox")
    #expect(attached == unit.merging(["coracle.command": "a.service/run1/shell-7", "coracle.removes": "true"]) { $1 })
    #expect(ContainerLabel.invocation(ofShellKey: attached["coracle.command"] ?? "") == "run1")
    #expect(try labels("run", "busybox", environment: [:]).isEmpty)
  }

  @Test(arguments: [
    (["run", "-d", "busybox", "run"], ["run", "--label", "a=b", "-d", "busybox", "run"]),
    (["-H", "run", "--debug", "create", "x"], ["-H", "run", "--debug", "create", "--label", "a=b", "x"]),
    (["container", "run", "x"], ["container", "run", "--label", "a=b", "x"]),
    (["exec", "x", "run"], ["exec", "x", "run"]), (["-H"], ["-H"]), ([], []),
  ])
  func `an installed docker program is told the labels`(words: [String], expected: [String]) {
    #expect(UnitLabels.words(words, with: ["a": "b"]) == expected)
  }
}
