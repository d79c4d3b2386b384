// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Units

/// What is wrong with a local unit file and the drop-ins beside it, and what of them has no effect.
struct UnitVerification: Equatable {
  /// One thing to be known about the file, with its place.
  struct Finding: Equatable {
    var file: String
    /// Counted from 1; nil for what concerns the whole.
    var line: Int?
    var severity: UnitFinding.Severity
    var message: String

    /// `FILE[:LINE]: error|warning|note: message`.
    var text: String {
      "\(file)\(line.map { ":\($0)" } ?? ""): \(severity.rawValue): \(message)"
    }

    var json: JSONValue {
      var fields: [JSONValue.Field] = [.init("file", .string(file)), .init("severity", .string(severity.rawValue))]
      if let line { fields.append(.init("line", .integer(Int64(line)))) }
      fields.append(.init("message", .string(message)))
      return .object(fields)
    }
  }

  let path: String
  /// By file, those without a line first, then by line.
  private(set) var findings: [Finding] = []

  /// Whether the unit can run.
  var isGood: Bool { !findings.contains { $0.severity == .error } }

  /// Looks at a file as the cluster and its machine will when the unit is submitted and started.
  init(path: String, text: String, dropIns: [DropIn] = []) {
    self.path = path
    judge(text, dropIns)
    findings.sort { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) }
  }

  /// A file that cannot be read.
  init(path: String, failure: String) {
    self.path = path
    add(path, nil, .error, failure)
  }

  private mutating func judge(_ text: String, _ dropIns: [DropIn]) {
    let base = Self.base(path)
    var name: UnitName?
    do {
      name = try UnitName(base)
    } catch {
      add(path, nil, .error, "\"\(base)\" is no unit: \(error)")
    }
    let file: UnitFile
    do {
      file = try UnitFile(parsing: text)
    } catch {
      return add(path, error.line, .error, "\(error)")
    }
    if file.options.isEmpty { return add(path, nil, .error, "the file has no options") }
    do {
      try file.validateRequirements()
    } catch {
      add(path, nil, .error, "\(error)")
    }
    for option in file.unrecognizedRequirements {
      let line = Self.line(of: option, section: UnitRequirements.section, in: text)
      add(path, line, .warning, "\(option)= in [X-Fleet] is unknown and has no effect")
    }
    if let name { judge(file, text, dropIns, as: name) }
  }

  private mutating func judge(_ file: UnitFile, _ text: String, _ dropIns: [DropIn], as name: UnitName) {
    let (whole, problems) = file.adding(dropIns, for: name)
    for problem in problems { add(path, nil, .error, problem) }
    for problem in UnitAnnouncements(of: file, unitName: name).problems {
      let line = Self.line(of: problem.name, section: problem.section, value: problem.value, in: text)
      add(path, line, .warning, problem.description)
    }
    let sources =
      [(path: path, text: text)]
      + DropIn.selected(dropIns, for: name).map { (path: "\(path).d/\($0.name)", text: $0.text) }
    for finding in ServiceReading(whole, name: name).findings { add(finding, among: sources) }
  }

  private mutating func add(_ finding: UnitFinding, among sources: [(path: String, text: String)]) {
    for source in sources {
      let place = finding.place
      if let line = Self.line(of: place.name, section: place.section, value: place.value, in: source.text) {
        return add(source.path, line, finding.severity, finding.description)
      }
    }
    add(path, nil, finding.severity, finding.description)
  }

  private mutating func add(_ file: String, _ line: Int?, _ severity: UnitFinding.Severity, _ message: String) {
    findings.append(Finding(file: file, line: line, severity: severity, message: message))
  }

  private static func base(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? ""
  }

  /// The first line of an option, or of a section; nil when it is not there.
  private static func line(of name: String?, section: String?, value: String? = nil, in text: String) -> Int? {
    guard name != nil || section != nil else { return nil }
    var current = ""
    var isContinued = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let bare = String(line.drop { $0 == " " || $0 == "\t" })
      defer { isContinued = line.hasSuffix("\\") }
      if isContinued || bare.hasPrefix("#") || bare.hasPrefix(";") { continue }
      if bare.hasPrefix("["), let end = bare.firstIndex(of: "]") {
        current = String(bare[bare.index(after: bare.startIndex)..<end])
        if name == nil, current == section { return index + 1 }
        continue
      }
      guard let name, section == nil || section == current, let equals = bare.firstIndex(of: "=") else { continue }
      let found = bare[..<equals].split(separator: " ").first.map(String.init)
      let rest = bare[bare.index(after: equals)...]
      let start = value.map { $0.prefix { $0 != "\\" && $0 != "\n" } } ?? ""
      if found == name, rest.drop(while: { $0 == " " || $0 == "\t" }).hasPrefix(start) { return index + 1 }
    }
    return nil
  }

  /// One line for each finding.
  var lines: [String] { findings.map(\.text) }

  /// The same for programs.
  var json: JSONValue {
    ["file": .string(path), "good": .bool(isGood), "findings": .array(findings.map(\.json))]
  }
}

extension UnitVerification {
  /// Tells what is in a folder.
  typealias FolderReader = (_ path: String) throws(CommandFailure) -> [String]

  /// `unit verify`: prints what is to be said about files; 1 when one of them cannot run.
  static func run(
    _ paths: [String],
    format: OutputFormat,
    output: CommandOutput,
    readFile: UnitSession.FileReader = LocalFiles.text,
    readFolder: FolderReader = LocalFiles.names
  ) -> Int32 {
    let verifications = paths.map { path in
      do throws(CommandFailure) {
        return try read(path, readFile, readFolder)
      } catch {
        return UnitVerification(path: path, failure: error.message)
      }
    }
    switch format {
    case .table: for line in verifications.flatMap(\.lines) { output.line(line) }
    case .json: output.line(JSONValue.array(verifications.map(\.json)).text)
    }
    return verifications.allSatisfy(\.isGood) ? 0 : 1
  }

  /// Reads a file and the drop-ins beside it.
  private static func read(
    _ path: String,
    _ readFile: UnitSession.FileReader,
    _ readFolder: FolderReader
  ) throws(CommandFailure) -> UnitVerification {
    guard let text = try readFile(path) else { throw CommandFailure("there is no such file") }
    var dropIns: [DropIn] = []
    for file in try readFolder("\(path).d") where file.hasSuffix(".conf") {
      guard let text = try readFile("\(path).d/\(file)") else { continue }
      dropIns.append(DropIn(directory: "\(base(path)).d", name: file, text: text))
    }
    return UnitVerification(path: path, text: text, dropIns: dropIns)
  }
}

extension UnitFinding {
  /// Where it stands, as far as it stands at one place.
  fileprivate var place: (section: String?, name: String?, value: String?) {
    switch self {
    case .notCarriedOut(let section, let name), .withoutEffect(let section, let name, _),
      .unknown(let section, let name, _):
      (section, name, nil)
    case .valueNotCarriedOut(let section, let name, let value, _), .badValue(let section, let name, let value, _),
      .ignoredValue(let section, let name, let value, _):
      (section, name, value)
    case .unknownSection(let section, _): (section, nil, nil)
    case .badCommandLine(let name, let line, _): (nil, name, line)
    case .unitTypeNotCarriedOut, .missingSetting, .missingCommand: (nil, nil, nil)
    case .severalStartCommands: ("Service", "ExecStart", nil)
    case .restartOfOneshot: ("Service", "Restart", nil)
    case .socketOfEngine: ("Socket", "Service", nil)
    case .serviceTypeRefused(let type, _): ("Service", "Type", type)
    }
  }
}
