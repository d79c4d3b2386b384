// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import EtcdWire
import Glibc
import Units

extension UnitCommand {
  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print everything that is found in unit files; exit 1 when a unit could not run.",
      discussion: """
        Looks at files alone and asks no cluster. A directive that is not carried out is named once, and so is a misspelt one. \
        Drop-ins are read from FILE.d/*.conf beside each file. --directives prints what becomes of every directive of \
        systemd 252.
        """
    )
    @Argument(help: ArgumentHelp("Paths of unit files.", valueName: "file")) var files: [String] = []
    @Flag(help: "Print what becomes of every directive that systemd knows.") var directives = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
      guard directives || !files.isEmpty else { throw ValidationError("Say which unit files to look at.") }
    }

    func run() async throws {
      if directives { CommandOutput.standard.write(DirectiveListing.text(output.output)) }
      var findings: [UnitVerification.Finding] = []
      for file in files {
        do {
          findings += try UnitVerification(path: file).findings
        } catch {
          CommandOutput.standard.errorLine(error.message)
          throw ExitCode(error.status)
        }
      }
      if !files.isEmpty { CommandOutput.standard.write(UnitVerification.text(findings, output.output)) }
      if findings.contains(where: { $0.severity == .error }) { throw ExitCode(1) }
    }
  }
}

/// What is found in a unit file and the drop-ins beside it.
struct UnitVerification {
  /// One thing that is found, with its place.
  struct Finding: Equatable {
    var file: String
    /// The line, counted from 1; nil when it is about the whole file.
    var line: Int?
    var severity: UnitFinding.Severity
    var message: String

    /// `FILE:LINE: warning: message`.
    var text: String {
      "\(file)\(line.map { ":\($0)" } ?? ""): \(severity.rawValue): \(message)"
    }
  }

  private(set) var findings: [Finding] = []

  /// Reads a file and the drop-ins beside it.
  ///
  /// - Throws: ``CommandFailure`` when the file cannot be read.
  init(path: String) throws(CommandFailure) {
    guard let text = try LocalFiles.text(path) else { throw CommandFailure("there is no unit file \(path)") }
    var dropIns: [DropIn] = []
    let name = path.split(separator: "/").last.map(String.init) ?? path
    for file in try LocalFiles.names(in: "\(path).d") where file.hasSuffix(".conf") {
      guard let text = try LocalFiles.text("\(path).d/\(file)") else { continue }
      dropIns.append(DropIn(directory: "\(name).d", name: file, text: text))
    }
    self.init(path: path, text: text, dropIns: dropIns)
  }

  /// Judges a file by its text.
  init(path: String, text: String, dropIns: [DropIn] = []) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    do {
      let unit = try UnitName(name)
      let file = try UnitFile(parsing: text)
      let (whole, problems) = file.adding(dropIns, for: unit)
      for problem in problems { add(path, nil, .error, problem) }
      let sources =
        [(path: path, text: text)]
        + DropIn.selected(dropIns, for: unit).map { (path: "\(path).d/\($0.name)", text: $0.text) }
      for finding in ServiceReading(whole, name: unit).findings { add(finding, among: sources) }
      for option in file.unrecognizedRequirements {
        let line = Self.line(of: option, section: UnitRequirements.section, in: text)
        add(path, line, .warning, "\(option)= in [X-Fleet] is unknown and has no effect")
      }
      do {
        try file.validateRequirements()
      } catch {
        add(path, nil, .error, error.description)
      }
    } catch let error as UnitFileError {
      add(path, error.line, .error, error.description)
    } catch {
      add(path, nil, .error, "\(error)")
    }
    findings.sort { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) }
  }

  private mutating func add(_ finding: UnitFinding, among sources: [(path: String, text: String)]) {
    for source in sources {
      let place = finding.place
      if let line = Self.line(of: place.name, section: place.section, value: place.value, in: source.text) {
        return add(source.path, line, finding.severity, finding.description)
      }
    }
    add(sources[0].path, nil, finding.severity, finding.description)
  }

  private mutating func add(_ file: String, _ line: Int?, _ severity: UnitFinding.Severity, _ message: String) {
    findings.append(Finding(file: file, line: line, severity: severity, message: message))
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

  /// A line for each finding, or an array of objects.
  static func text(_ findings: [Finding], _ format: OutputFormat) -> String {
    switch format {
    case .table: findings.map { $0.text + "\n" }.joined()
    case .json: JSONValue.array(findings.map(json)).text + "\n"
    }
  }

  private static func json(_ finding: Finding) -> JSONValue {
    [
      "file": .string(finding.file), "line": finding.line.map { .integer(Int64($0)) } ?? .null,
      "kind": .string(finding.severity.rawValue), "message": .string(finding.message),
    ]
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
    case .unitTypeNotCarriedOut, .missingCommand: (nil, nil, nil)
    case .severalStartCommands: ("Service", "ExecStart", nil)
    case .restartOfOneshot: ("Service", "Restart", nil)
    }
  }
}

/// The table of systemd's directives as people and programs read it.
enum DirectiveListing {
  static func text(_ format: OutputFormat) -> String {
    switch format {
    case .table:
      DirectiveTable.all.map { directive in
        let (word, reason) = words(directive.standing)
        return "[\(directive.section)]\t\(directive.name)=\t\(word)\(reason.map { ": \($0)" } ?? "")\n"
      }.joined()
    case .json: JSONValue.array(DirectiveTable.all.map(json)).text + "\n"
    }
  }

  private static func json(_ directive: DirectiveTable.Directive) -> JSONValue {
    let (word, reason) = words(directive.standing)
    return [
      "section": .string(directive.section), "name": .string(directive.name), "standing": .string(word),
      "reason": reason.map { .string($0) } ?? .null,
    ]
  }

  private static func words(_ standing: DirectiveStanding) -> (word: String, reason: String?) {
    switch standing {
    case .carriedOut: ("carried out", nil)
    case .withoutEffect(let reason): ("accepted without effect", reason)
    case .notCarriedOut(let reason): ("not carried out", reason)
    }
  }
}
