// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing
import Yams

@testable import CloudConfig

/// The parser against Yams (libyaml) as oracle: the same values, and the same places of values.
@Suite struct YAMLDifferentialTests {
  @Test(arguments: [
    "a: 1\nb: two words\nc: http://h:80/x#y\n",
    "a:\n  b:\n    c: d\n  e: f\n",
    "a:\n- 1\n- 2\nb:\n  - 3\n",
    "- a: 1\n  b: 2\n- - x\n  - y\n-\n  c: 3\n",
    "a: |\n  one\n   two\n\n  three\n\n\nb: 1\n",
    "a: |-\n  one\n  two\n\nb: |+\n  one\n\n\nc: |2\n    x\n   y\n",
    "a: >\n  one\n  two\n\n  three\n   more\n   deep\n  four\n\n\nb: >-\n  x\n  y\n",
    "a: >+\n\n\n  one\n\n",
    "a: |\n\nb: >\nc: |+\n\n",
    "- |\n text\n- >-\n folded\n text\n",
    "- |\n no final break",
    "a: 'it''s'\nb: \"x\\ty\\u00e9\\x41\\\\\"\nc: \"\"\n",
    "a: \"one\n  two\n\n  three\"\nb: 'one\n  two'\n",
    "a: \"one\\\n  two \\\n\n  x\"\n",
    "a: one\n  two\n\n  three\nb: x\n",
    "[a, 'b', {c: d, e}, [f, [g]], ]\n",
    "{a: 1, b: [x, y], \"c\":2, d: {e: f}, g}\n",
    "{\n  \"coreos\": {\n    \"units\": [ {\"name\": \"a\"}, ]\n  }\n}\n",
    "a: [x: 1, y]\n",
    "a: &x\n  b: 1\nc: *x\nd: [*x, &y z, *y ]\n",
    "&a k: *a\n",
    "a: !!binary aGk=\nb: !!str 1\nc: !local x\n",
    "? a\n: b\n? c\n: - d\n? e\n",
    "---\na: b\n...\n",
    "# c\n\n--- # d\n# e\na: b # f\n\n# g\n",
    "a: # comment\n  b: c\nd: # none\n",
    "a: ~\nb:\nc: null\n",
    "a : b\n'q' : c\n\"r\": d\n",
    "key with blanks: v\nx-y_z: -1\nd: - \n".replacing("d: - \n", with: ""),
    "a: -x\nb: ?y\nc: :z\nd: a#b\ne: a:b\n",
    "a:\n  - b:\n      - c\n    d: e\n  -\n    - f\n",
    "--- |\n text\n more\n",
    "--- plain\n",
    "a:\n    - x\n    -   y: 1\n        z: 2\n",
    "a: x \t # c\nb: |  # c\n  t\n",
    "top:\n  - one\n  # comment\n  - two\n\n  - three\nnext: 1\n",
    "a: |\n  x\n # comment less indented\nb: 1\n",
    "a: |\n  # kept\n  \tkept tab\n  trailing  \n",
    "e: 'a\n\n\n  b'\n",
    "u: \"\\U0001F600 \\N\\_\\L\\P \\e\\0\"\n",
    "a: {b: http://x:80/y, c: d:e}\n",
    "a: [http://x:80, b]\n",
    "é: ü\n日本: 語\n",
  ])
  func `a document of the subset has the same values and places`(_ text: String) throws {
    #expect(try ours(text) == oracle(text))
  }

  @Test(arguments: [
    "a: b: c\n", "a: 1\n  b: 2\n", "a:\n\tb: 1\n", "a: [1, 2\n", "a: \"x\n", "- a\nb: c\n", "a: *x\n", "a: @x\n",
    "a: %x\n",
    "a: 'x' y\n", "a: |x\n  y\n", "a: [1 2]]\n", "a\nb: c\n", "a: \"\\q\"\n", "}\n", "a: `x`\n", "a: - b\n",
    "a:\n  b: 1\n c: 2\n", "a: b\n...\njunk: 1\n", "{a: 1}}\n", "a: &x &y z\n", "- a\n b\nc: d\n",
  ])
  func `what libyaml refuses is refused`(_ text: String) {
    #expect(throws: YAMLError.self) { try ours(text) }
    #expect(throws: (any Error).self) { try oracle(text) }
  }

  @Test(arguments: 0..<40)
  func `generated documents have the same values and places`(_ seed: Int) throws {
    var generator = DocumentGenerator(seed: UInt64(seed))
    for _ in 0..<25 {
      let text = generator.document()
      let expected = try oracle(text)
      #expect(try ours(text) == expected, "\(text)")
    }
  }

  @Test(arguments: 0..<40)
  func `mutated documents end in a value or an error, and agree where both take them`(_ seed: Int) throws {
    var generator = DocumentGenerator(seed: UInt64(seed))
    for _ in 0..<50 {
      let text = generator.mutated(generator.document())
      guard let value = try? ours(text) else { continue }
      guard let expected = try? oracle(text) else { continue }
      #expect(value == expected, "\(text)")
    }
  }

  // MARK: One form for both

  /// A node as text: places and values.
  private func ours(_ text: String) throws -> String {
    var parser = YAMLParser(Array(text.unicodeScalars))
    let document = try parser.parseDocument()
    return document.root.map { rendered($0, withPlaces: hasComparablePlaces(text)) } ?? "nothing"
  }

  private func oracle(_ text: String) throws -> String {
    guard let node = try Yams.compose(yaml: text) else { return "nothing" }
    return rendered(node, withPlaces: hasComparablePlaces(text))
  }

  /// libyaml's mark of a value with a tag or an anchor is that of the tag or anchor.
  private func hasComparablePlaces(_ text: String) -> Bool {
    !text.contains("!") && !text.contains("&") && !text.contains("*")
  }

  private func rendered(_ node: YAMLNode, withPlaces: Bool) -> String {
    switch node.content {
    case .scalar(let scalar):
      // Places of unset values and block scalars are chosen differently by the two.
      let isBlock = scalar.style == .literal || scalar.style == .folded
      let place = withPlaces && !isBlock && !scalar.text.isEmpty ? "@\(node.mark.line):\(node.mark.column) " : ""
      return place + String(reflecting: scalar.text)
    case .sequence(let items): return "[\(items.map { rendered($0, withPlaces: withPlaces) }.joined(separator: ", "))]"
    case .mapping(let pairs):
      let texts = pairs.map { "\(String(reflecting: $0.key)): \(rendered($0.value, withPlaces: withPlaces))" }
      return "{\(texts.joined(separator: ", "))}"
    }
  }

  private func rendered(_ node: Node, withPlaces: Bool) -> String {
    switch node {
    case .scalar(let scalar):
      let isBlock = scalar.style == .literal || scalar.style == .folded
      let mark = withPlaces && !isBlock && !scalar.string.isEmpty ? scalar.mark : nil
      return (mark.map { "@\($0.line):\($0.column) " } ?? "") + String(reflecting: scalar.string)
    case .sequence(let items): return "[\(items.map { rendered($0, withPlaces: withPlaces) }.joined(separator: ", "))]"
    case .mapping(let mapping):
      let texts = mapping.map {
        "\(String(reflecting: $0.key.string ?? "?")): \(rendered($0.value, withPlaces: withPlaces))"
      }
      return "{\(texts.joined(separator: ", "))}"
    case .alias: return "alias"
    }
  }
}
