// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Units

/// What is wrong with a local unit file, and what of it has no effect.
struct UnitVerification: Equatable {
  /// One thing to be known about the file.
  struct Finding: Equatable {
    var severity: UnitFinding.Severity
    /// Counted from 1; nil for what concerns the whole.
    var line: Int?
    var message: String
  }

  var path: String
  var findings: [Finding] = []

  /// Whether the unit can run.
  var isGood: Bool { !findings.contains { $0.severity == .error } }

  /// Looks at a file as the cluster will when the unit is submitted and started.
  init(path: String, text: String) {
    self.path = path
    let base = String(path.split(separator: "/").last ?? "")
    var name: UnitName?
    do {
      name = try UnitName(base)
    } catch {
      findings.append(Finding(severity: .error, message: "\"\(base)\" is no unit: \(error)"))
    }
    let file: UnitFile
    do {
      file = try UnitFile(parsing: text)
    } catch {
      findings.append(Finding(severity: .error, line: error.line, message: "\(error)"))
      return
    }
    if file.options.isEmpty {
      findings.append(Finding(severity: .error, message: "the file has no options"))
      return
    }
    do {
      try file.validateRequirements()
    } catch {
      findings.append(Finding(severity: .error, message: "\(error)"))
    }
    for option in file.unrecognizedRequirements {
      findings.append(Finding(severity: .warning, message: "\(option)= in [X-Fleet] is unknown and has no effect"))
    }
    guard let name else { return }
    findings += ServiceReading(file, name: name).findings.map { Finding(severity: $0.severity, message: "\($0)") }
  }

  /// A file that cannot be read.
  init(path: String, failure: String) {
    self.path = path
    findings = [Finding(severity: .error, message: failure)]
  }

  /// One line for each finding: `FILE[:LINE]: error|warning: message`.
  var lines: [String] {
    findings.map { finding in
      "\(path)\(finding.line.map { ":\($0)" } ?? ""): \(finding.severity.rawValue): \(finding.message)"
    }
  }

  /// The same for programs.
  var json: JSONValue {
    let findings = findings.map { finding in
      var fields: [JSONValue.Field] = [.init("severity", .string(finding.severity.rawValue))]
      if let line = finding.line { fields.append(.init("line", .integer(Int64(line)))) }
      fields.append(.init("message", .string(finding.message)))
      return JSONValue.object(fields)
    }
    return ["file": .string(path), "good": .bool(isGood), "findings": .array(findings)]
  }
}

extension UnitVerification {
  /// `unit verify`: prints what is to be said about files; 1 when one of them cannot run.
  static func run(
    _ paths: [String],
    format: OutputFormat,
    output: CommandOutput,
    readFile: UnitSession.FileReader = LocalFiles.text
  ) -> Int32 {
    let verifications = paths.map { path in
      do throws(CommandFailure) {
        guard let text = try readFile(path) else {
          return UnitVerification(path: path, failure: "there is no such file")
        }
        return UnitVerification(path: path, text: text)
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
}
