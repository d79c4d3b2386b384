// SPDX-License-Identifier: Apache-2.0

/// Something about a unit file that its author should know before it runs.
public enum UnitFinding: Sendable, Equatable, CustomStringConvertible {
  /// How bad it is.
  public enum Severity: String, Sendable {
    /// Nothing is lost: what it says holds anyway, or means nothing here.
    case note
    /// The unit runs, without what the finding names.
    case warning
    /// The unit cannot run.
    case error
  }

  /// The setting is systemd's, or at least might be, and is not carried out yet.
  case notCarriedOut(section: String, name: String)
  /// The setting is accepted and nothing is done, for this reason; nobody misses it.
  case withoutEffect(section: String, name: String, reason: String)
  /// There is no such setting, as far as systemd 252 knows; what was meant perhaps.
  case unknown(section: String, name: String, suggestion: String?)
  /// There is no such section in units of this type; what was meant perhaps.
  case unknownSection(String, suggestion: String?)
  /// The value is not of its kind and passed over, as systemd does.
  case ignoredValue(section: String, name: String, value: String, expected: String)
  /// The setting has this value, which is not carried out yet; what is done instead.
  case valueNotCarriedOut(section: String, name: String, value: String, instead: String)
  /// Units of this type are not run yet.
  case unitTypeNotCarriedOut(String)
  /// The value is not of its kind.
  case badValue(section: String, name: String, value: String, expected: String)
  /// The command line cannot be understood.
  case badCommandLine(name: String, line: String, ExecLineError)
  /// The service is of a type that cannot be had here; the reason.
  case serviceTypeRefused(String, String)
  /// The unit has nothing to do; what it lacks.
  case missingSetting(String)
  /// There is no command to execute.
  case missingCommand
  /// More than one `ExecStart=` in a service that is not oneshot.
  case severalStartCommands
  /// `Restart=always` or `on-success` in a oneshot service.
  case restartOfOneshot
  /// The socket would start the Docker Engine, which is built in and no unit.
  case socketOfEngine

  /// How bad it is.
  public var severity: Severity {
    switch self {
    case .withoutEffect: .note
    case .notCarriedOut, .valueNotCarriedOut, .unitTypeNotCarriedOut, .unknown, .unknownSection, .ignoredValue: .warning
    case .badValue, .badCommandLine, .serviceTypeRefused, .missingSetting, .missingCommand, .severalStartCommands,
      .restartOfOneshot, .socketOfEngine:
      .error
    }
  }

  /// One sentence that names the setting.
  public var description: String {
    switch self {
    case .notCarriedOut(let section, let name):
      "\(name)= in [\(section)] is not carried out yet and has no effect" + Self.reason(section, name)
    case .withoutEffect(let section, let name, let reason):
      "\(name)= in [\(section)] has no effect of its own: \(reason)"
    case .unknown(let section, let name, let suggestion):
      "\(name)= in [\(section)] is unknown and has no effect" + Self.meant(suggestion)
    case .unknownSection(let section, let suggestion):
      "section [\(section)] is unknown and has no effect" + Self.meant(suggestion)
    case .ignoredValue(let section, let name, let value, let expected):
      "\(name)=\(value) in [\(section)] is ignored: expected \(expected)"
    case .valueNotCarriedOut(_, let name, let value, let instead):
      "\(name)=\(value) is not carried out yet: \(instead)"
    case .unitTypeNotCarriedOut(let suffix):
      "\(suffix) units are not carried out yet: the unit will be loaded and cannot be started"
    case .badValue(let section, let name, let value, let expected):
      "\(name)=\(value) in [\(section)]: expected \(expected)"
    case .badCommandLine(let name, let line, let error):
      "\(name)=\(line): \(error)"
    case .serviceTypeRefused(let type, let reason): "Type=\(type) is refused: \(reason)"
    case .missingSetting(let text): text
    case .missingCommand:
      "the service has neither ExecStart= nor, with Type=oneshot and RemainAfterExit=yes, ExecStop="
    case .severalStartCommands:
      "more than one ExecStart= is only allowed for Type=oneshot"
    case .restartOfOneshot:
      "Restart=always and Restart=on-success are not allowed for Type=oneshot"
    case .socketOfEngine:
      "\(SocketDefinition.engineService) is the machine's engine and no unit: put this socket under coreos.units of its"
        + " cloud-config, and the node makes the engine reachable there"
    }
  }

  private static func reason(_ section: String, _ name: String) -> String {
    guard case .notCarriedOut(let reason?)? = DirectiveTable.standing(section: section, name: name) else { return "" }
    return ": \(reason)"
  }

  private static func meant(_ suggestion: String?) -> String {
    suggestion.map { "; did you mean \($0)?" } ?? ""
  }
}
