// SPDX-License-Identifier: Apache-2.0

/// One flag of a verb: what the scanner knows of it, and its line of `--help`.
struct FlagDefinition: Sendable {
  /// The long name without dashes; what the scanner reports.
  var name: String
  /// The letter after a single dash.
  var letter: Character?
  /// The shape of its value as `--help` names it; nil for a switch, which takes a value only after `=`.
  var shape: String?
  /// What it does, for `--help`; nil for one that is understood and not shown, such as an old name.
  var help: String?

  var isSwitch: Bool { shape == nil }

  static func toggle(_ name: String, _ letter: Character? = nil, _ help: String? = nil) -> FlagDefinition {
    FlagDefinition(name: name, letter: letter, shape: nil, help: help)
  }

  static func value(
    _ name: String,
    _ letter: Character? = nil,
    _ help: String? = nil,
    shape: String = "string"
  ) -> FlagDefinition {
    FlagDefinition(name: name, letter: letter, shape: shape, help: help)
  }

  static func list(_ name: String, _ letter: Character? = nil, _ help: String? = nil) -> FlagDefinition {
    value(name, letter, help, shape: "list")
  }
}

/// A flag found on a command line; switches have `true` or what stood after `=`.
struct FoundFlag: Equatable, Sendable {
  var name: String
  var value: String
}
