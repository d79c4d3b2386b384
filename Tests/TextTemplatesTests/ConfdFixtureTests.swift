// SPDX-License-Identifier: Apache-2.0
import Foundation
import TextTemplates
import Testing

/// Templates with what Go 1.19 and confd's functions made of them, in `Fixtures/Confd`.
@Suite struct ConfdFixtureTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/Confd")

  /// A template of one line, with its output or its error.
  struct Line: Decodable {
    var tmpl: String
    var out: String?
    var err: String?
    var kind: String?
  }

  /// Keys and the environment of a whole file.
  struct Case: Decodable {
    var env: [String: String]?
    var prefix: String?
    var data: [String: String]
  }

  private static func world(_ environment: [String: String]) -> ConfdFunctions.World {
    ConfdFunctions.World(
      environment: { environment[$0] },
      addresses: { $0.contains(where: \.isLetter) ? [] : [$0] },
      services: { _, _, _ in [] },
      hasFile: { _ in false },
      time: { GoTime(seconds: 1_700_000_000, nanoseconds: 0).value }
    )
  }

  private static func render(
    _ source: String,
    _ keys: [String: String],
    _ environment: [String: String] = [:]
  ) throws(TemplateError) -> String {
    let functions = ConfdFunctions.all(keys: keys, world: world(environment))
    return try TextTemplate(name: "t", source: source, functions: functions).text(with: .noValue)
  }

  @Test func `every template of one line gives what Go gives`() throws {
    let data = try Data(contentsOf: Self.folder.appending(path: "micro-data.json"))
    let keys = try JSONDecoder().decode([String: String].self, from: data)
    let text = try String(contentsOf: Self.folder.appending(path: "micro.jsonl"), encoding: .utf8)
    let lines = try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    #expect(lines.count > 300)
    for line in lines {
      do throws(TemplateError) {
        let output = try Self.render(line.tmpl, keys)
        #expect(output == line.out, "\(line.tmpl)")
      } catch {
        #expect(error.description == line.err, "\(line.tmpl)")
        #expect(error.stage.rawValue == line.kind, "\(line.tmpl)")
      }
    }
  }

  @Test(arguments: try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix("micro") })
  func `every whole file gives what confd wrote`(_ name: String) throws {
    let folder = Self.folder.appending(path: name)
    let entry = try JSONDecoder().decode(Case.self, from: Data(contentsOf: folder.appending(path: "data.json")))
    let prefix = entry.prefix ?? ""
    let keys = entry.data.map { ($0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0, $1) }
    let source = try String(contentsOf: folder.appending(path: "template.tmpl"), encoding: .utf8)
    let expected = try String(contentsOf: folder.appending(path: "expected.txt"), encoding: .utf8)
    #expect(try Self.render(source, Dictionary(uniqueKeysWithValues: keys), entry.env ?? [:]) == expected)
  }
}
