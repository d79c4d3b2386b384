// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CloudConfig

@Suite struct YAMLLimitTests {
  private func parse(_ text: String) throws -> YAMLNode? {
    var parser = YAMLParser(Array(text.unicodeScalars))
    return try parser.parseDocument().root
  }

  @Test func `nesting is bounded, in blocks and in brackets`() {
    #expect(throws: YAMLError(SourceMark(line: 1, column: 64), "nested deeper than 64 levels")) {
      try parse(String(repeating: "[", count: 5_000))
    }
    let staircase = (0..<200).map { String(repeating: " ", count: $0) + "k:\n" }.joined()
    #expect(throws: YAMLError.self) { try parse(staircase) }
    #expect(throws: YAMLError.self) { try parse(String(repeating: "- ", count: 5_000) + "x") }
  }

  @Test func `aliases of aliases cannot grow without bound`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    #expect(throws: YAMLError(SourceMark(line: 5, column: 45), "the document has more than 100000 values")) {
      // The value is not returned: ten thousand million nodes could not be printed.
      _ = try parse(text)
    }
  }

  @Test func `texts that aliases repeat are bounded`() throws {
    let text = "a: &a \(String(repeating: "x", count: 1 << 18))\nb: ["
    let most = YAMLLimits.textBytes >> 18
    _ = try parse(text + Array(repeating: "*a", count: most - 2).joined(separator: ",") + "]\n")
    #expect(throws: YAMLError.self) {
      _ = try parse(text + Array(repeating: "*a", count: most).joined(separator: ",") + "]\n")
    }
  }

  @Test func `a document is bounded in bytes and values`() {
    let bytes = Array("#cloud-config\n#\(String(repeating: "x", count: YAMLLimits.documentBytes))\n".utf8)
    #expect(throws: YAMLError.self) { try UserDataText(bytes) }
    #expect(throws: YAMLError.self) { try parse(String(repeating: "- x\n", count: YAMLLimits.nodes + 1)) }
  }

  @Test func `what is not UTF-8 is named with its line`() {
    let bytes = Array("#cloud-config\nhostname: \u{e9}".utf8).dropLast() + [0xff]
    #expect(throws: YAMLError(SourceMark(line: 2, column: 11), "this is not UTF-8")) { try UserDataText(Array(bytes)) }
  }

  @Test func `a document of nothing but unknown keys is answered in time`() {
    let keys = (0..<20_000).map { "unheard\($0): 1\n" }.joined()
    let document = CloudConfigDocument(
      reading: Array("#cloud-config\n\(keys)".utf8),
      addresses: .placeholders,
      specifiers: .placeholders
    )
    #expect(document.findings.count == 20_001)
  }

  @Test func `many lines, items and tokens take time that grows with their number`() {
    let documents = [
      "write_files:\n- path: /a\n  content: |\n" + String(repeating: "    some text of a line\n", count: 30_000),
      "users: [{name: a, groups: [" + String(repeating: "b, ", count: 60_000) + "]}]\n",
      "hostname: \"" + String(repeating: "$private_ipv6", count: 30_000) + "\"\n",
      "coreos: {fleet: {metadata: \"" + (0..<20_000).map { "k\($0)=v," }.joined() + "\"}}\n",
      "coreos: {etcd2: {listen-client-urls: \"" + (0..<20_000).map { "http://h\($0):1," }.joined() + "\"}}\n",
    ]
    for text in documents {
      let start = ContinuousClock.now
      _ = CloudConfigDocument(
        reading: PackedUserData.gzip(Array("#cloud-config\n\(text)".utf8)),
        addresses: AddressTokens(),
        specifiers: .placeholders
      )
      // A square of the number would be minutes.
      #expect(start.duration(to: .now) < .seconds(30), "\(text.prefix(40))")
    }
  }

  @Test func `any bytes at all end in a plan or a finding`() {
    var generator = DocumentGenerator(seed: 7)
    for _ in 0..<300 {
      let text =
        "#cloud-config\ncoreos:\n"
        + generator.mutated(
          " etcd2: {name: a, discovery: http://h:1/t}\n units:\n - name: a.service\n   content: |\n    [Service]\n"
        )
      let document = CloudConfigDocument(
        reading: Array(text.utf8),
        addresses: .placeholders,
        specifiers: .placeholders
      )
      #expect(document.hasErrors == document.findings.contains { $0.severity == .error })
    }
  }
}
