// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A Swift file of the tree, as bytes: whole-tree checks must take well under a second in a debug build.
struct SourceFile {
  /// One line with its number, from 1.
  struct Line {
    var number: Int
    var text: String
    /// Whether the line is inside a text of several lines.
    var isInText: Bool
  }

  /// The path below the repository's root, such as `Sources/Raft/Log/RaftLog.swift`.
  let path: String
  private let bytes: [UInt8]
  /// The bytes as C's `strstr` takes them, which is fast in debug builds too.
  private let terminated: [CChar]

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    terminated = bytes.map { CChar(bitPattern: $0) } + [0]
  }

  /// A file as tests of the rules write it.
  init(_ path: String, _ text: String) {
    self.init(path: path, bytes: Array(text.utf8))
  }

  /// `Sources` or `Tests`, the target, then folders and the file's name.
  var components: [String] { path.split(separator: "/").map(String.init) }
  var isSource: Bool { components.first == "Sources" }
  /// The target the file belongs to; empty for the manifest.
  var target: String { components.count > 2 ? components[1] : "" }
  var name: String { components.last ?? "" }
  var lineCount: Int { bytes.count { $0 == UInt8(ascii: "\n") } }

  /// The first lines, to look at the header.
  func head(_ count: Int) -> [String] {
    let lines = bytes.prefix(2_000).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return lines.prefix(count).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The lines that hold a text anywhere, each once.
  func lines(containing text: String) -> [Line] {
    var found: [Line] = []
    for offset in offsets(of: text) {
      let line = line(at: offset)
      if found.last?.number != line.number { found.append(line) }
    }
    return found
  }

  /// A line by its number; nil beyond the ends.
  func line(_ number: Int) -> String? {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return (1...lines.count).contains(number) ? String(decoding: lines[number - 1], as: UTF8.self) : nil
  }

  private func offsets(of text: String) -> [Int] {
    terminated.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return [] }
      var offsets: [Int] = []
      var next = strstr(base, text)
      while let hit = next {
        offsets.append(UnsafePointer(hit) - base)
        next = strstr(hit + text.utf8.count, text)
      }
      return offsets
    }
  }

  private func line(at offset: Int) -> Line {
    let newline = UInt8(ascii: "\n")
    let start = bytes[..<offset].lastIndex(of: newline).map { $0 + 1 } ?? 0
    let end = bytes[offset...].firstIndex(of: newline) ?? bytes.count
    return Line(
      number: bytes[..<start].count { $0 == newline } + 1,
      text: String(decoding: bytes[start..<end], as: UTF8.self),
      isInText: SourceFile(path: "", bytes: Array(bytes[..<start])).offsets(of: "\"\"\"").count % 2 == 1
    )
  }
}

extension SourceFile.Line {
  /// The line without texts, names in backticks and comment; empty inside a text of several lines.
  var code: String { split.code }

  /// The comment at the end of the line, or the whole line if it is one; empty if there is none.
  var comment: String { split.comment }

  private var split: (code: String, comment: String) {
    guard !isInText else { return ("", "") }
    var code = ""
    var quote: Character?
    var previous: Character = " "
    for index in text.indices {
      let letter = text[index]
      if let open = quote {
        if letter == open, previous != "\\" { quote = nil }
        previous = previous == "\\" ? " " : letter
        continue
      }
      if letter == "/", previous == "/" { return (String(code.dropLast()), String(text[index...])) }
      if letter == "\"" || letter == "`" { quote = letter } else { code.append(letter) }
      previous = letter
    }
    return (code, "")
  }
}

/// The repository that this file is part of.
enum SourceTree {
  /// The first folder above this file that has a manifest and sources.
  static let root: URL = {
    var folder = URL(filePath: #filePath).deletingLastPathComponent()
    while folder.path != "/" {
      let names = ["Package.swift", "Sources"].map { folder.appending(path: $0).path }
      if names.allSatisfy(FileManager.default.fileExists(atPath:)) { break }
      folder = folder.deletingLastPathComponent()
    }
    return folder
  }()

  /// All Swift files, in the order of their paths.
  static func files() throws -> [SourceFile] {
    var files = [try file("Package.swift")]
    for folder in ["Sources", "Tests"] {
      let paths = FileManager.default.enumerator(atPath: root.appending(path: folder).resolvingSymlinksInPath().path)
      while let path = paths?.nextObject() as? String {
        if path.hasSuffix(".swift"), !path.contains("/.build/") { files.append(try file("\(folder)/\(path)")) }
      }
    }
    return files.sorted { $0.path < $1.path }
  }

  private static func file(_ path: String) throws -> SourceFile {
    SourceFile(path: path, bytes: Array(try Data(contentsOf: root.appending(path: path))))
  }
}
