// SPDX-License-Identifier: Apache-2.0

/// A command line of fleetctl, parsed.
///
/// Flags may stand anywhere, with one dash or two, values behind `=` or as the next word: what 0.11 and 1.0 understood
/// alike. Only the command that `ssh` runs is left as it is. Source: specs/fleet.md §8.1.
struct FleetctlInvocation: Equatable {
  /// What is to be done; nil shows the help.
  private(set) var command: FleetctlCommand?
  /// The words that are no flags, without the command.
  private(set) var arguments: [String] = []
  private var values: [String: String] = [:]
  private var environment: [String: String] = [:]

  /// Reads a command line.
  ///
  /// - Parameters:
  ///   - words: The words after `fleetctl`.
  ///   - environment: Where global flags that are not given may stand as variables.
  /// - Throws: ``CommandFailure`` with status 2 for what cannot be understood.
  init(_ words: [String], environment: [String: String] = [:]) throws(CommandFailure) {
    self.environment = environment
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        try take(Array(rest))
        rest = []
      } else if word.count > 1, word.hasPrefix("-") {
        try readFlag(word, &rest)
      } else {
        let isRemoteCommand = command == .ssh && arguments.count >= remoteTargets
        try take([word])
        // What runs elsewhere has flags of its own.
        if isRemoteCommand {
          arguments += rest
          rest = []
        }
      }
    }
    try check()
  }

  /// How many arguments of `ssh` say where to go.
  private var remoteTargets: Int { values["machine"] != nil || values["unit"] != nil ? 0 : 1 }

  private mutating func take(_ words: [String]) throws(CommandFailure) {
    var words = words
    if command == nil, let first = words.first {
      command = try FleetctlCommand(first)
      words.removeFirst()
    }
    arguments += words
  }

  private mutating func readFlag(_ word: String, _ rest: inout ArraySlice<String>) throws(CommandFailure) {
    let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard let flag = FleetctlFlag.named(String(parts.first ?? "")) else { throw unknownFlag(word) }
    let value: String
    if parts.count > 1 {
      value = String(parts[1])
    } else if flag.kind == .toggle {
      value = "true"
    } else {
      guard let next = rest.popFirst() else {
        throw usageError("Error: flag needs an argument: \(word)")
      }
      value = next
    }
    try Self.check(value, of: flag)
    values[flag.name] = value
  }

  /// Refuses flags that another command has.
  private func check() throws(CommandFailure) {
    guard let command, !isHelpWanted else { return }
    let known = Set((FleetctlFlag.global + FleetctlFlag.deprecated.map(\.flag) + command.flags).map(\.name))
    if let name = values.keys.sorted().first(where: { !known.contains($0) }) { throw unknownFlag("--\(name)") }
    for flag in FleetctlFlag.withVariable {
      if let value = environment[Self.variable(flag.name)], !value.isEmpty, values[flag.name] == nil {
        do {
          try Self.check(value, of: flag)
        } catch {
          throw CommandFailure("\(error.message) (from \(Self.variable(flag.name)))", status: 2)
        }
      }
    }
  }

  private static func check(_ value: String, of flag: FleetctlFlag) throws(CommandFailure) {
    let isGood: Bool
    let expected: String
    switch flag.kind {
    case .toggle: (isGood, expected) = (Bool(goText: value) != nil, "true or false")
    case .text: return
    case .number: (isGood, expected) = (Int(value).map { $0 >= 0 } ?? false, "a whole number")
    case .seconds: (isGood, expected) = (seconds(value) != nil, "a number of seconds")
    }
    guard !isGood else { return }
    throw CommandFailure("Error: invalid argument \"\(value)\" for --\(flag.name): it must be \(expected)", status: 2)
  }

  private func unknownFlag(_ word: String) -> CommandFailure {
    usageError("Error: unknown flag: \(word.split(separator: "=").first ?? "")")
  }

  private func usageError(_ message: String) -> CommandFailure {
    let topic = command.map { " \($0.rawValue)" } ?? ""
    return CommandFailure("\(message)\nRun 'fleetctl help\(topic)' for usage.", status: 2)
  }

  private static func variable(_ name: String) -> String {
    "FLEETCTL_" + SSHConnector.variable(name)
  }

  private static func seconds(_ text: String) -> Duration? {
    guard let number = Double(text), (0...1_000_000).contains(number) else { return nil }
    return .milliseconds(Int64(number * 1_000))
  }
}

// MARK: Values

extension FleetctlInvocation {
  /// Whether `--help` stands somewhere.
  var isHelpWanted: Bool { isSet("help") }

  /// The value of a flag: of the command line, else for a global one of `FLEETCTL_<FLAG>`; nil when neither is there.
  func value(_ name: String) -> String? {
    if let value = values[name] { return value }
    for (flag, standsFor) in FleetctlFlag.deprecated where standsFor == name {
      if let value = values[flag.name] ?? variable(flag.name) { return value }
    }
    return FleetctlFlag.withVariable.contains { $0.name == name } ? variable(name) : nil
  }

  private func variable(_ name: String) -> String? {
    environment[Self.variable(name)].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether a toggle is on.
  func isSet(_ name: String) -> Bool {
    (value(name) ?? FleetctlFlag.named(name)?.fallback).flatMap { Bool(goText: $0) } ?? false
  }

  /// A whole number; nil when the flag is not given.
  func number(_ name: String) -> Int? { value(name).flatMap { Int($0) } }

  /// A span of time; nil when the flag is not given.
  func duration(_ name: String) -> Duration? { value(name).flatMap(Self.seconds) }
}
