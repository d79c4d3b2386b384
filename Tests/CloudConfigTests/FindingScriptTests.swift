// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CloudConfig

/// Documents with everything that is said about them, in `Fixtures/Scripts/*.txt`.
///
/// Shape: `== name`, the document, `----`, the findings. `CORACLE_REWRITE=1` writes what is found back into the scripts; the
/// difference is to be read before it is committed.
@Suite struct FindingScriptTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var document: String
    var expected: String
    var testDescription: String { name }
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/Scripts")

  static func cases(in file: URL) throws -> [Case] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "== ", omittingEmptySubsequences: true).map { text in
      let halves = text.components(separatedBy: "\n----\n")
      let lines = halves[0].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      return Case(name: String(lines[0]), document: String(lines[1]) + "\n", expected: halves[1])
    }
  }

  static func findings(of document: String) -> String {
    let read = CloudConfigDocument(
      reading: Array(document.utf8),
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: MachineSpecifiers(hostname: "core-01", machineID: "0123456789abcdef0123456789abcdef")
    )
    let lines = read.report(file: "f") + (read.plan == nil ? ["no plan"] : [])
    return lines.map { $0 + "\n" }.joined() + "\n"
  }

  @Test(arguments: ["syntax", "schema", "etcd", "fleet", "units", "system"])
  func `everything is said about a document, at its place`(_ name: String) throws {
    let file = Self.folder.appending(path: "\(name).txt")
    let cases = try Self.cases(in: file)
    #expect(!cases.isEmpty)
    if ProcessInfo.processInfo.environment["CORACLE_REWRITE"] == "1" {
      let text = cases.map { "== \($0.name)\n\($0.document)----\n\(Self.findings(of: $0.document))" }.joined()
      try text.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    for testCase in cases {
      #expect(Self.findings(of: testCase.document) == testCase.expected, "\(testCase.name)")
    }
  }
}
