// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CloudConfig

/// Documents with everything that is said about them, in `Fixtures/Scripts/*.txt`.
@Suite struct FindingScriptTests {
  static func findings(of document: [UInt8]) -> String {
    let read = CloudConfigDocument(
      reading: document,
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: MachineSpecifiers(hostname: "core-01", machineID: "0123456789abcdef0123456789abcdef")
    )
    let lines = read.report(file: "f") + (read.plan == nil ? ["no plan"] : [])
    return lines.map { $0 + "\n" }.joined()
  }

  @Test(arguments: ["syntax", "schema", "etcd", "fleet", "units", "system", "breakages"])
  func `everything is said about a document, at its place`(_ name: String) throws {
    let script = "Scripts/\(name).txt"
    let cases = try ScriptCase.cases(of: script)
    #expect(!cases.isEmpty)
    guard !ScriptCase.isRewriting else {
      return try ScriptCase.write(cases, to: script) { Self.findings(of: $0.document) }
    }
    for testCase in cases {
      #expect(Self.findings(of: testCase.document) + "\n" == testCase.expected, "\(testCase.name)")
    }
  }
}
