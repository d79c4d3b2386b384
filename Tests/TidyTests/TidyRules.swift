// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Something that the house style does not allow.
struct Violation: Equatable, CustomStringConvertible {
  var path: String
  var line: Int
  var message: String

  var description: String { "\(path):\(line): \(message)" }
}

/// The rules of the house that the compiler and the formatter do not hold.
enum TidyRules {
  static func violations(in file: SourceFile) -> [Violation] {
    header(file) + names(file) + imports(file) + bans(file) + unchecked(file) + looseTasks(file) + streams(file)
      + leftovers(file) + shadowedModule(file) + purity(file)
  }

  // MARK: Files

  /// The most lines a file may have; the aim is 250.
  static let longestFile = 500

  static func header(_ file: SourceFile) -> [Violation] {
    let spdx = "// SPDX-License-Identifier: Apache-2.0"
    let first = file.name == "Package.swift" ? 2 : 1
    guard file.head(first).last == spdx else {
      return [Violation(path: file.path, line: first, message: "the header must be \"\(spdx)\"")]
    }
    return []
  }

  static func names(_ file: SourceFile) -> [Violation] {
    var messages: [String] = []
    let kinds: Set = [
      "Utils", "Utilities", "Common", "Helpers", "Managers", "Models", "Protocols", "Extensions", "Misc",
    ]
    for folder in file.components.dropLast() where kinds.contains(folder) {
      messages.append("a folder is named for its subject, not \"\(folder)\"")
    }
    let base = file.name.dropLast(".swift".count)
    for kind in ["Utils", "Helper", "Helpers", "Manager", "Common"] where base.hasSuffix(kind) {
      messages.append("a file is named for what it holds, not \"\(kind)\"")
    }
    let isEntry = ["Package", "main"].contains(base)
    if !isEntry,
      base.count > 50 || base.contains(where: { !$0.isLetter && !$0.isNumber && $0 != "+" })
        || base.first?.isUppercase != true
    {
      messages.append("a file is named for its type, as in RaftNode.swift or RaftNode+Voting.swift, within 50 letters")
    }
    if file.isSource, file.lineCount > longestFile {
      messages.append("\(file.lineCount) lines; split the file by subject (at most \(longestFile), the aim is 250)")
    }
    return messages.map { Violation(path: file.path, line: 1, message: $0) }
  }

  // MARK: Layering

  static func imports(_ file: SourceFile) -> [Violation] {
    guard file.isSource else { return [] }
    guard let row = LayeringTable.rows[file.target] else {
      return [Violation(path: file.path, line: 1, message: "\(file.target) has no row in the layering table")]
    }
    return file.lines(containing: "import ").compactMap { line in
      let words = line.code.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"), words[..<keyword].allSatisfy(isImportModifier) else {
        return nil
      }
      let path = words[(keyword + 1)...].first { !importKinds.contains(String($0)) } ?? ""
      let module = String(path.prefix { $0 != "." })
      if row.own.contains(module) || row.others.contains(module) { return nil }
      return violation(file, line, "\(file.target) may not import \(module)")
    }
  }

  private static let importKinds: Set = ["struct", "class", "enum", "protocol", "func", "typealias", "var", "let"]

  private static func isImportModifier(_ word: Substring) -> Bool {
    ["public", "package", "internal", "fileprivate", "private"].contains(word) || word.hasPrefix("@")
  }

  /// The cores are synchronous and see neither clock nor chance.
  static func purity(_ file: SourceFile) -> [Violation] {
    guard file.isSource, LayeringTable.isCore(file.target) else { return [] }
    let impure = [
      "async": "cores are synchronous", "await": "cores are synchronous", "actor": "cores are value types",
      "ContinuousClock": "time enters a core as an argument", "SuspendingClock": "time enters a core as an argument",
      "SystemRandomNumberGenerator": "randomness enters a core as a seeded generator",
      "Mutex": "cores need no lock",
    ]
    return impure.sorted { $0.key < $1.key }.flatMap { word, reason in
      file.lines(containing: word).filter { hasWord(word, $0.code) }.map { violation(file, $0, "\(word): \(reason)") }
    }
  }

  // MARK: Bans

  /// Constructs and what to write instead.
  private static let banned: [(text: String, instead: String)] = [
    ("try!", "throw, or handle the error"),
    ("as!", "as? with an error for the other case"),
    ("fatalError(", "throw for bad input, precondition for a broken invariant"),
    ("Thread.sleep", "await Task.sleep, or a condition with a deadline"),
    ("usleep(", "await Task.sleep, or a condition with a deadline"),
    ("DispatchQueue", "a task, an actor or a thread of its own"),
    ("DispatchSemaphore", "a continuation"),
    ("NSLock", "Mutex of Synchronization"),
    ("Task.detached", "a child task of a group"),
    ("import XCTest", "Swift Testing"),
    (".socketOption(.tcp_", ".tcpOption; TCP_NODELAY among the options of all sockets is SO_DEBUG, for root alone"),
  ]

  /// Targets that never become part of the product, so that their size does not count.
  private static let testPrograms: Set = ["TestKit", "Differential", "coracle-faults"]

  static func bans(_ file: SourceFile) -> [Violation] {
    var found = banned.flatMap { ban in
      file.lines(containing: ban.text)
        .filter { $0.code.contains(ban.text) && startsWord(ban.text, $0.code) }
        .map { violation(file, $0, "\(ban.text) is not used here; instead: \(ban.instead)") }
    }
    if file.isSource, !testPrograms.contains(file.target) {
      found += file.lines(containing: "import Foundation")
        .filter { hasWord("Foundation", $0.code) }
        .map { violation(file, $0, "import FoundationEssentials at most: all of Foundation costs 44 MB") }
    }
    return found
  }

  /// Switching the compiler's checks off needs a reason, beside it or in the comment above.
  static func unchecked(_ file: SourceFile) -> [Violation] {
    ["@unchecked Sendable", "nonisolated(unsafe)"].flatMap { text in
      file.lines(containing: text).filter { $0.code.contains(text) }.compactMap { line -> Violation? in
        let near = (max(1, line.number - 4)...line.number).compactMap { file.line($0) }
        guard !near.contains(where: { $0.contains("//") && !$0.contains("SPDX") }) else { return nil }
        return violation(file, line, "\(text) needs its reason in a comment just above or beside it")
      }
    }
  }

  /// Every task lives in a group; only the wiring may start loose ones.
  static func looseTasks(_ file: SourceFile) -> [Violation] {
    guard file.isSource, file.target != "CoracleDaemon" else { return [] }
    return ["Task {", "Task(", "Task<"].flatMap { text in
      file.lines(containing: text).filter { line in
        guard startsWord(text, line.code), let range = line.code.range(of: text) else { return false }
        // Awaited on the spot, a task only keeps cancellation away from what it does.
        if line.code.contains("await Task"), line.code.hasSuffix("}.value") { return false }
        return text == "Task {" || line.code[range.lowerBound...].contains("{")
      }
      .map { violation(file, $0, "a loose task; start it as a child of a group, or in CoracleDaemon") }
    }
  }

  /// A stream without bound grows until memory is gone.
  static func streams(_ file: SourceFile) -> [Violation] {
    guard file.isSource else { return [] }
    return ["AsyncStream", "AsyncThrowingStream"].flatMap { text in
      file.lines(containing: text).filter { line in
        guard let range = line.code.range(of: text) else { return false }
        var rest = line.code[range.upperBound...]
        // The element type comes first; what follows tells a value from a type.
        if rest.first == "<" { rest = rest.drop { $0 != ">" }.dropFirst() }
        guard rest.hasPrefix("(") || rest.hasPrefix(" {") || rest.hasPrefix(".makeStream") else { return false }
        if rest.hasPrefix(" {"), line.code.contains("->") || line.code.contains(":") { return false }
        let near = (line.number...line.number + 4).compactMap { file.line($0) }
        return !near.contains { $0.contains("bufferingPolicy") } && !rest.hasPrefix("(unfolding")
      }
      .map { violation(file, $0, "a stream names its bufferingPolicy") }
    }
  }

  static func leftovers(_ file: SourceFile) -> [Violation] {
    ["TODO", "FIXME", "XXX", "HACK"].flatMap { word in
      file.lines(containing: word)
        .filter { !$0.isInText && hasWord(word, $0.comment) }
        .map { violation(file, $0, "\(word) is left over; do it, or make it an issue") }
    }
  }

  /// A type named as its module makes the module's own name unusable.
  static func shadowedModule(_ file: SourceFile) -> [Violation] {
    guard file.isSource else { return [] }
    return ["struct", "class", "enum", "actor", "protocol"].flatMap { kind in
      let declaration = "\(kind) \(file.target)"
      return file.lines(containing: declaration)
        .filter { hasWord(file.target, $0.code) && startsWord(declaration, $0.code) && endsWord(declaration, $0.code) }
        .map { violation(file, $0, "a type may not have the name of its module, \(file.target)") }
    }
  }

  // MARK: Words

  private static func violation(_ file: SourceFile, _ line: SourceFile.Line, _ message: String) -> Violation {
    Violation(path: file.path, line: line.number, message: message)
  }

  private static func hasWord(_ word: String, _ text: String) -> Bool {
    text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { $0 == word }
  }

  private static func startsWord(_ text: String, _ line: String) -> Bool {
    guard let range = line.range(of: text) else { return false }
    guard range.lowerBound > line.startIndex else { return true }
    let before = line[line.index(before: range.lowerBound)]
    return !before.isLetter && !before.isNumber && before != "." && before != "_"
  }

  private static func endsWord(_ text: String, _ line: String) -> Bool {
    guard let range = line.range(of: text) else { return false }
    guard range.upperBound < line.endIndex else { return true }
    let after = line[range.upperBound]
    return !after.isLetter && !after.isNumber && after != "_"
  }
}
