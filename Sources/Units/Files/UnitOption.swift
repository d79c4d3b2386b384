// SPDX-License-Identifier: Apache-2.0

/// One `Name=Value` line of a unit file with the section it stands in.
public struct UnitOption: Sendable, Hashable {
  /// The section's name, exactly as written between the brackets.
  public var section: String
  /// The option's name, trimmed.
  public var name: String
  /// The value as written; continuation lines keep their backslashes and newlines.
  public var value: String

  /// Makes an option.
  public init(section: String, name: String, value: String) {
    self.section = section
    self.name = name
    self.value = value
  }
}
