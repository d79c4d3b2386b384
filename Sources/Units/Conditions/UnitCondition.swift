// SPDX-License-Identifier: Apache-2.0

/// Something that has to hold when a unit is started: `Condition…=` or `Assert…=`.
///
/// Source: systemd.unit(5), "Conditions and Asserts"; systemd v252 `src/shared/condition.c`.
public struct UnitCondition: Sendable, Equatable, CustomStringConvertible {
  /// What it is about.
  public enum Subject: String, Sendable, CaseIterable {
    case pathExists = "PathExists"
    case pathExistsGlob = "PathExistsGlob"
    case pathIsDirectory = "PathIsDirectory"
    case pathIsSymbolicLink = "PathIsSymbolicLink"
    case pathIsMountPoint = "PathIsMountPoint"
    case pathIsReadWrite = "PathIsReadWrite"
    case directoryNotEmpty = "DirectoryNotEmpty"
    case fileNotEmpty = "FileNotEmpty"
    case fileIsExecutable = "FileIsExecutable"
    case architecture = "Architecture"
    case virtualization = "Virtualization"
    case host = "Host"
    case kernelCommandLine = "KernelCommandLine"
    case kernelVersion = "KernelVersion"
    case environment = "Environment"
    case user = "User"
    case group = "Group"
    case memory = "Memory"
    case processors = "CPUs"
    case operatingSystem = "OSRelease"

    /// Whether its argument is a path.
    public var isPath: Bool {
      switch self {
      case .pathExists, .pathExistsGlob, .pathIsDirectory, .pathIsSymbolicLink, .pathIsMountPoint, .pathIsReadWrite,
        .directoryNotEmpty, .fileNotEmpty, .fileIsExecutable:
        true
      case .architecture, .virtualization, .host, .kernelCommandLine, .kernelVersion, .environment, .user, .group,
        .memory, .processors, .operatingSystem:
        false
      }
    }
  }

  /// What it is about.
  public var subject: Subject
  /// What is asked of it, with specifiers replaced.
  public var argument: String
  /// Whether it is an `Assert…=`, which makes the start fail.
  public var isAssertion: Bool
  /// `!`: it must not hold.
  public var isNegated: Bool
  /// `|`: of all that are marked so, one has to hold.
  public var isTrigger: Bool

  /// Reads the name of an option; nil when it is none that is carried out.
  static func subject(of option: String) -> (subject: Subject, isAssertion: Bool)? {
    for (prefix, isAssertion) in [("Condition", false), ("Assert", true)] where option.hasPrefix(prefix) {
      if let subject = Subject(rawValue: String(option.dropFirst(prefix.count))) { return (subject, isAssertion) }
    }
    return nil
  }

  /// As it stands in a file.
  public var description: String {
    let marks = (isTrigger ? "|" : "") + (isNegated ? "!" : "")
    return "\(isAssertion ? "Assert" : "Condition")\(subject.rawValue)=\(marks)\(argument)"
  }

  /// Which of a unit's conditions keeps it from starting; nil when none does.
  ///
  /// All have to hold, and of those marked with `|` one.
  ///
  /// - Parameters:
  ///   - conditions: All conditions, or all assertions.
  ///   - facts: What the machine is and has.
  /// - Returns: The first that does not hold; of those marked with `|` the last.
  public static func unmet(_ conditions: [UnitCondition], _ facts: ConditionFacts) -> UnitCondition? {
    var lastTrigger: UnitCondition?
    var isTriggered = false
    for condition in conditions {
      let holds = facts.holds(condition) != condition.isNegated
      if condition.isTrigger {
        isTriggered = isTriggered || holds
        lastTrigger = condition
      } else if !holds {
        return condition
      }
    }
    return isTriggered ? nil : lastTrigger
  }
}
