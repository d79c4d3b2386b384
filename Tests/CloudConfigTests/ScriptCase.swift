// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// One case of a script: `== name`, the document, `----`, what is expected of it.
///
/// In the document `␍` stands for a carriage return, `␉` for a tab and `␠` for a blank, where an editor would not show or
/// keep them.
struct ScriptCase: Sendable, CustomTestStringConvertible {
  var name: String
  /// As it stands in the script.
  var text: String
  var expected: String
  var testDescription: String { name }

  var document: [UInt8] {
    var text = text
    for (sign, letter) in [("␍", "\r"), ("␉", "\t"), ("␠", " ")] { text = text.replacing(sign, with: letter) }
    return Array(text.utf8)
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  /// The cases of a script in the folder of fixtures.
  static func cases(of script: String) throws -> [ScriptCase] {
    let text = try String(contentsOf: folder.appending(path: script), encoding: .utf8)
    var cases: [ScriptCase] = []
    var isExpectation = false
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("== ") {
        cases.append(ScriptCase(name: String(line.dropFirst(3)), text: "", expected: ""))
        isExpectation = false
      } else if line == "----" {
        isExpectation = true
      } else if isExpectation {
        cases[cases.count - 1].expected += line + "\n"
      } else {
        cases[cases.count - 1].text += line + "\n"
      }
    }
    return cases
  }

  /// Whether what is found is to be written back into the scripts.
  ///
  /// The difference is to be read before it is committed.
  static var isRewriting: Bool { ProcessInfo.processInfo.environment["CORACLE_REWRITE"] == "1" }

  /// Writes a script anew.
  static func write(_ cases: [ScriptCase], to script: String, finding: (ScriptCase) -> String) throws {
    let text = cases.map { "== \($0.name)\n\($0.text)----\n\(finding($0))\n" }.joined()
    try text.write(to: folder.appending(path: script), atomically: true, encoding: .utf8)
  }
}
