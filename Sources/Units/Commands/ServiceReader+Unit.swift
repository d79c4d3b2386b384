// SPDX-License-Identifier: Apache-2.0

/// What units of all types have: `[Unit]` and `[Install]`.
extension ServiceReader {
  mutating func readUnit(_ option: UnitOption) {
    if let relation = UnitRelation(section: "Unit", option: option.name) {
      names(option, relation)
    } else if let (subject, isAssertion) = UnitCondition.subject(of: option.name) {
      readCondition(option, subject, isAssertion: isAssertion)
    } else if !readJobRule(option) {
      switch option.name {
      case "Description": if !option.value.isEmpty { definition.description = expanded(option.value) }
      case "StartLimitIntervalSec", "StartLimitInterval", "StartLimitBurst": readStartLimit(option)
      default: notCarriedOut(option)
      }
    }
  }

  mutating func readInstall(_ option: UnitOption) {
    if let relation = UnitRelation(section: "Install", option: option.name) {
      names(option, relation)
    } else if option.name == "Alias" {
      readAliases(option)
    } else {
      notCarriedOut(option)
    }
  }

  private mutating func readJobRule(_ option: UnitOption) -> Bool {
    switch option.name {
    case "RefuseManualStart": boolean(option) { $0.dependencies.refusesManualStart = $1 }
    case "RefuseManualStop": boolean(option) { $0.dependencies.refusesManualStop = $1 }
    case "StopWhenUnneeded": boolean(option) { $0.dependencies.stopsWhenUnneeded = $1 }
    case "JobTimeoutSec": timeout(option) { $0.dependencies.jobTimeout = $1 }
    case "JobRunningTimeoutSec": timeout(option) { $0.dependencies.jobRunningTimeout = $1 }
    default: return false
    }
    return true
  }

  private mutating func names(_ option: UnitOption, _ relation: UnitRelation) {
    guard !option.value.isEmpty else {
      definition.dependencies[relation] = []
      return
    }
    for name in unitNames(option) where !definition.dependencies[relation].contains(name) {
      definition.dependencies[relation].append(name)
    }
  }

  private mutating func unitNames(_ option: UnitOption) -> [String] {
    var names: [String] = []
    for word in option.value.split(whereSeparator: \.isWhitespace) {
      let name = expanded(String(word))
      if (try? UnitName(name)) != nil {
        names.append(name)
      } else if option.section == "Install" {
        // Under systemd these count only when somebody enables the unit.
        ignored(option, "unit names separated by blanks")
      } else {
        bad(option, "unit names separated by blanks, and \"\(name)\" is none")
      }
    }
    return names
  }

  private mutating func readAliases(_ option: UnitOption) {
    guard !option.value.isEmpty else {
      definition.dependencies.aliases = []
      return
    }
    for name in unitNames(option) where name != unit.rawValue {
      guard name.hasSuffix(".\(unit.suffix)"), (try? UnitName(name))?.isTemplate == false else {
        ignored(option, "names of the unit's own type")
        continue
      }
      if !definition.dependencies.aliases.contains(name) { definition.dependencies.aliases.append(name) }
    }
  }

  private mutating func readCondition(
    _ option: UnitOption,
    _ subject: UnitCondition.Subject,
    isAssertion: Bool
  ) {
    guard !option.value.isEmpty else {
      definition.conditions.removeAll { $0.isAssertion == isAssertion }
      return
    }
    var argument = Substring(option.value)
    let isTrigger = argument.first == "|"
    if isTrigger { argument = argument.dropFirst().drop(while: \.isWhitespace) }
    let isNegated = argument.first == "!"
    if isNegated { argument = argument.dropFirst().drop(while: \.isWhitespace) }
    let expanded = expanded(String(argument))
    if subject.isPath, !expanded.hasPrefix("/") { return ignored(option, "an absolute path") }
    definition.conditions.append(
      UnitCondition(
        subject: subject,
        argument: expanded,
        isAssertion: isAssertion,
        isNegated: isNegated,
        isTrigger: isTrigger
      )
    )
  }

  /// The value is not of its kind and passed over.
  mutating func ignored(_ option: UnitOption, _ expected: String) {
    add(.ignoredValue(section: option.section, name: option.name, value: option.value, expected: expected))
  }
}
