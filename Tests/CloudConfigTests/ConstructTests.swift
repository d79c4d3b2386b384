// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CloudConfig

/// Every construct of YAML and of user-data that documents in the wild use, with the plan it becomes and what is said about
/// it: `Fixtures/Constructs/*.txt`.
///
/// Source: the survey in specs/cloud-config.md §11, and §3, §4 and §6. The documents are our own.
@Suite struct ConstructTests {
  static func outcome(of document: [UInt8]) -> String {
    let read = CloudConfigDocument(
      reading: document,
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7", publicIPv6: "2001:db8::7"),
      specifiers: MachineSpecifiers(hostname: "core-01", machineID: "0123456789abcdef0123456789abcdef"),
      appliesSystem: true
    )
    // What stands in every plan of this machine is left out.
    let plan = read.plan.map { plan in PlanText.lines(of: plan).filter { !$0.hasPrefix("system.addresses") } }
    let lines = read.report(file: "f") + (plan ?? ["no plan"])
    return lines.map { $0 + "\n" }.joined()
  }

  @Test(arguments: ["scalars", "collections", "types", "substitution", "sections", "userdata"])
  func `a construct has its plan and its findings`(_ name: String) throws {
    let script = "Constructs/\(name).txt"
    let cases = try ScriptCase.cases(of: script)
    #expect(!cases.isEmpty)
    guard !ScriptCase.isRewriting else {
      return try ScriptCase.write(cases, to: script) { Self.outcome(of: $0.document) }
    }
    for testCase in cases {
      #expect(Self.outcome(of: testCase.document) + "\n" == testCase.expected, "\(testCase.name)")
    }
  }

  @Test func `there are as many constructs as the survey saw documents`() throws {
    let scripts = ["scalars", "collections", "types", "substitution", "sections", "userdata"]
    let cases = try scripts.flatMap { try ScriptCase.cases(of: "Constructs/\($0).txt") }
    #expect(cases.count >= 101)
    #expect(Set(cases.map(\.name)).count == cases.count)
  }
}
