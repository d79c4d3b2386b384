// SPDX-License-Identifier: Apache-2.0

/// Reads the directives that say how commands are executed; every unit type that has commands has them.
///
/// As with systemd a value that is not of its kind is passed over, and named; who the commands run as and where must be
/// understood.
struct ExecutionReader {
  let unit: UnitName
  let specifiers: SpecifierValues
  var settings = ExecutionSettings()
  /// Whether the file says where output goes.
  var hasOutput = false
  /// What was found since it was last taken.
  var findings: [UnitFinding] = []

  init(unit: UnitName, specifiers: SpecifierValues) {
    self.unit = unit
    self.specifiers = specifiers
  }

  /// Takes an option in; false when it is none of these.
  mutating func read(_ option: UnitOption) -> Bool {
    if readEnvironment(option) || readIdentity(option) || readDirectories(option) { return true }
    guard readProcess(option) || readResources(option) || readStreams(option) || readSandbox(option) else {
      return false
    }
    let holdsAnyway = option.value.isEmpty || Self.holdingForContainers.contains(option.name)
    if !holdsAnyway, !settings.directivesForProcesses.contains(option.name) {
      settings.directivesForProcesses.append(option.name)
    }
    return true
  }

  /// What is done with lines of output, whoever writes them.
  private static let holdingForContainers: Set<String> = [
    "SyslogIdentifier", "SyslogLevel", "SyslogLevelPrefix", "LogLevelMax",
  ]

  mutating func takeFindings() -> [UnitFinding] {
    defer { findings = [] }
    return findings
  }

  // MARK: Findings

  /// The value is passed over, as systemd does.
  mutating func ignore(_ option: UnitOption, _ expected: String) {
    findings.append(
      .ignoredValue(section: option.section, name: option.name, value: option.value, expected: expected)
    )
  }

  /// The unit cannot run with this value.
  mutating func refuse(_ option: UnitOption, _ expected: String) {
    findings.append(
      .badValue(section: option.section, name: option.name, value: option.value, expected: expected)
    )
  }

  mutating func valueNotCarriedOut(_ option: UnitOption, instead: String) {
    findings.append(
      .valueNotCarriedOut(section: option.section, name: option.name, value: option.value, instead: instead)
    )
  }

  // MARK: Kinds of values

  func expanded(_ text: String) -> String {
    specifiers.expand(text, for: unit)
  }

  /// Words with their quotes taken off and their specifiers expanded; nil, and named, when they cannot be split.
  mutating func words(_ option: UnitOption) -> [String]? {
    do {
      return try CommandWords.split(option.value).map { specifiers.expand($0, for: unit) }
    } catch {
      ignore(option, "words separated by blanks, but \(error)")
      return nil
    }
  }

  mutating func boolean(_ option: UnitOption, _ path: WritableKeyPath<ExecutionSettings, Bool>) {
    guard !option.value.isEmpty else {
      settings[keyPath: path] = ExecutionSettings()[keyPath: path]
      return
    }
    if let value = BooleanValue.read(option.value) {
      settings[keyPath: path] = value
    } else {
      ignore(option, "yes or no")
    }
  }

  /// A number in a range; an empty value takes it back.
  mutating func number<Value: FixedWidthInteger>(
    _ option: UnitOption,
    _ path: WritableKeyPath<ExecutionSettings, Value?>,
    _ range: ClosedRange<Value>
  ) {
    if option.value.isEmpty {
      settings[keyPath: path] = nil
    } else if let number = Value(option.value), range.contains(number) {
      settings[keyPath: path] = number
    } else {
      ignore(option, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// A yes or no, or one of some words besides; an empty value is no.
  mutating func graded<Value: RawRepresentable<String>>(
    _ option: UnitOption,
    _ path: WritableKeyPath<ExecutionSettings, Value>,
    _ expected: String
  ) {
    let isOn = option.value.isEmpty ? false : BooleanValue.read(option.value)
    if let value = Value(rawValue: isOn.map { $0 ? "yes" : "no" } ?? option.value) {
      settings[keyPath: path] = value
    } else {
      ignore(option, expected)
    }
  }

  /// An octal number of permissions.
  static func mode(_ text: String) -> UInt32? {
    guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else { return nil }
    return mode
  }

  /// A list of words that grows with each line and is emptied by an empty one.
  mutating func list<Element>(
    _ option: UnitOption,
    _ path: WritableKeyPath<ExecutionSettings, [Element]>
  ) -> [String] {
    guard !option.value.isEmpty else {
      settings[keyPath: path] = []
      return []
    }
    return words(option) ?? []
  }
}

/// A yes or no as unit files write it.
enum BooleanValue {
  static func read(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "1", "yes", "y", "true", "t", "on": true
    case "0", "no", "n", "false", "f", "off": false
    default: nil
    }
  }
}
