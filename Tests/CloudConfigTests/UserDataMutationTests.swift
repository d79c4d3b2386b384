// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import CloudConfig

/// Changed documents of the scripts: whatever becomes of them, it is a plan or an error, at a place that there is.
///
/// `CORACLE_MUTATION_SECONDS` makes it go on for so long, with other seeds.
@Suite struct UserDataMutationTests {
  static let corpus: [[UInt8]] = {
    let folders = ["Scripts", "Constructs"]
    let scripts = folders.flatMap { folder in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: ScriptCase.folder.appending(path: folder).path))
      return (names ?? []).sorted().map { "\(folder)/\($0)" }
    }
    let documents = scripts.flatMap { ((try? ScriptCase.cases(of: $0)) ?? []).map(\.document) }
    return documents + documents.enumerated().filter { $0.offset % 10 == 0 }.map { PackedUserData.gzip($0.element) }
  }()

  @Test(arguments: 0..<8)
  func `changed documents end in a plan or an error`(_ seed: Int) throws {
    try #require(Self.corpus.count > 200)
    let seconds = ProcessInfo.processInfo.environment["CORACLE_MUTATION_SECONDS"].flatMap(Double.init)
    let start = ContinuousClock.now
    var mutation = DocumentMutation(seed: UInt64(seed))
    var count = 0
    while true {
      let bytes = mutation.changed(Self.corpus)
      let began = ContinuousClock.now
      check(bytes)
      #expect(began.duration(to: .now) < .seconds(5), "\(String(decoding: bytes, as: UTF8.self))")
      count += 1
      if let seconds { if start.duration(to: .now) > .seconds(seconds) { break } } else if count == 300 { break }
    }
    if seconds != nil { print("seed \(seed): \(count) documents") }
  }

  private func check(_ bytes: [UInt8]) {
    let document = CloudConfigDocument(
      reading: bytes,
      addresses: AddressTokens(publicIPv4: "203.0.113.7", privateIPv4: "10.0.0.7"),
      specifiers: .placeholders
    )
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(document.hasErrors == document.findings.contains { $0.severity == .error }, "\(text)")
    #expect(document.findings.map(\.mark) == document.findings.map(\.mark).sorted(), "\(text)")
    let lines = Gzip.isPacked(bytes) ? Int.max : LineOrigins.bound(ofLinesIn: bytes)
    for finding in document.findings {
      #expect((1...lines).contains(finding.mark.line) && finding.mark.column >= 1, "\(finding) of \(text)")
      #expect(!finding.message.contains { $0.isNewline }, "\(finding) of \(text)")
    }
    guard let system = document.plan?.system else { return }
    for file in system.files {
      #expect(file.path.hasPrefix("/") && !file.path.split(separator: "/").contains(".."), "\(text)")
    }
    for unit in (document.plan?.localUnits ?? []) + system.networkUnits {
      #expect(!unit.name.contains("/") && !unit.dropIns.contains { $0.name.contains("/") }, "\(text)")
    }
    for variable in system.update + system.locksmith + system.flannel + system.oem {
      #expect(!variable.value.contains { $0.isNewline }, "\(text)")
    }
  }
}

/// Changes documents, the same for the same seed.
struct DocumentMutation {
  private var random: SeededGenerator
  private static let words: [[UInt8]] = [
    "coreos:\n", "  units:\n", "    - name: a.service\n", "write_files:\n", "$private_ipv4", "$public_ipv6", "|\n",
    ">-\n", "&a ",
    "*a", "<<: *a\n", "!!binary ", "{{X}}", "${X}", "---\n", "...\n", "\t", "\r\n", "\u{feff}", "\u{2028}", "\0",
    "--b1\n", "--b1--\n",
    "Content-Type: multipart/mixed; boundary=b1\n\n", "=3D", "=\n", "encoding: gz+b64", ": ", "- ", "# ", "\"", "'",
    "[", "]", "{", "}",
    "? ", "~", "%H", "\\", "0", "99999999999999999999", "-1", "1e999", "é", "/", "..",
  ].map { Array($0.utf8) }

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
  }

  /// One of the documents, changed in a few places.
  mutating func changed(_ corpus: [[UInt8]]) -> [UInt8] {
    var bytes = corpus[pick(corpus.count)]
    for _ in 0...pick(6) { change(&bytes, corpus) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8], _ corpus: [[UInt8]]) {
    let index = pick(bytes.count + 1)
    switch pick(7) {
    case 0 where index < bytes.count: bytes[index] = UInt8(pick(256))
    case 1: bytes.removeSubrange(index..<min(bytes.count, index + 1 + pick(8)))
    case 2: bytes.insert(contentsOf: Self.words[pick(Self.words.count)], at: index)
    case 3: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + pick(60))], at: pick(bytes.count + 1))
    case 4:
      let other = corpus[pick(corpus.count)]
      bytes = Array(bytes[..<index] + other[pick(other.count + 1)...])
    case 5: bytes.insert(contentsOf: repeatElement(UInt8(ascii: " "), count: 1 + pick(4)), at: index)
    default: bytes.insert(UInt8(pick(128)), at: index)
    }
  }

  private mutating func pick(_ bound: Int) -> Int {
    Int.random(in: 0..<bound, using: &random)
  }
}
