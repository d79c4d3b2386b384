// SPDX-License-Identifier: Apache-2.0

/// A valid unit name such as `foo.service`, `foo@.service` (a template) or `foo@1.service` (an instance).
///
/// Invariant: only ASCII letters, digits and `:-_.\@`, at most ``maximumBytes`` long, with a known suffix.
/// Source: specs/fleet.md §2.6, §3.4.
public struct UnitName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The whole name (`%n`).
  public let rawValue: String
  /// What follows the last dot: `service`.
  public let suffix: String
  /// The name without its suffix (`%N`): `foo@1`.
  public let nameWithoutSuffix: String
  /// What stands before the first `@`, or the whole name without suffix (`%p`).
  public let prefix: String
  /// What stands between the first `@` and the suffix (`%i`): empty for a template, nil without an `@`.
  public let instance: String?

  /// The longest name, in bytes.
  public static let maximumBytes = 256
  /// The suffixes of systemd's unit types.
  public static let unitTypes: [String] = [
    "automount", "busname", "device", "mount", "path", "scope", "service", "slice", "snapshot", "socket", "swap",
    "target", "timer",
  ]
  /// The unit types that may be templates and instances.
  public static let templateTypes: [String] = ["path", "service", "socket", "target", "timer"]

  /// Checks a name and takes it apart.
  ///
  /// - Throws: ``UnitNameError``, the first rule that does not hold.
  public init(_ name: String) throws(UnitNameError) {
    guard !name.isEmpty else { throw .empty }
    guard name.utf8.count <= Self.maximumBytes else { throw .tooLong }
    guard let dot = name.lastIndex(of: ".") else { throw .noDot }
    let suffix = String(name[name.index(after: dot)...])
    guard !suffix.isEmpty else { throw .endsInDot }
    guard Self.unitTypes.contains(suffix) else { throw .unknownType(suffix) }
    guard !name.contains("@") || Self.templateTypes.contains(suffix) else { throw .unknownTemplateType(suffix) }
    let stem = name[..<dot]
    if let bad = stem.first(where: { !Self.isAllowed($0) }) { throw .invalidCharacter(bad) }
    guard !stem.hasPrefix("@") else { throw .startsWithAt }
    rawValue = name
    self.suffix = suffix
    nameWithoutSuffix = String(stem)
    if let at = stem.firstIndex(of: "@") {
      prefix = String(stem[..<at])
      instance = String(stem[stem.index(after: at)...])
    } else {
      prefix = String(stem)
      instance = nil
    }
  }

  /// Whether this is a template: `foo@.service`.
  public var isTemplate: Bool { instance == "" }

  /// Whether this is an instance of a template: `foo@1.service`.
  public var isInstance: Bool { instance.map { !$0.isEmpty } ?? false }

  /// The name of the template an instance or template belongs to; nil without an `@`.
  public var template: String? {
    instance == nil ? nil : "\(prefix)@.\(suffix)"
  }

  /// The whole name.
  public var description: String { rawValue }

  /// Orders by the whole name.
  public static func < (left: UnitName, right: UnitName) -> Bool {
    left.rawValue < right.rawValue
  }

  /// Names are equal when their texts are: the rest follows from it.
  public static func == (left: UnitName, right: UnitName) -> Bool {
    left.rawValue == right.rawValue
  }

  /// Hashes the whole name.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(rawValue)
  }

  private static func isAllowed(_ character: Character) -> Bool {
    guard let ascii = character.asciiValue else { return false }
    switch ascii {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      return true
    case UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "\\"),
      UInt8(ascii: "@"):
      return true
    default:
      return false
    }
  }
}

/// Why a text is not a unit name; the texts are fleet's own.
public enum UnitNameError: Error, Sendable, Equatable, CustomStringConvertible {
  case empty
  case tooLong
  case noDot
  case endsInDot
  case unknownType(String)
  case unknownTemplateType(String)
  case invalidCharacter(Character)
  case startsWithAt

  /// What is wrong.
  public var description: String {
    switch self {
    case .empty: "unit name cannot be empty"
    case .tooLong: "unit name exceeds maximum length (\(UnitName.maximumBytes))"
    case .noDot: "unit name must contain \".\""
    case .endsInDot: "unit name cannot end in \".\""
    case .unknownType(let suffix): "invalid unit type: \"\(suffix)\""
    case .unknownTemplateType(let suffix): "invalid unit type for template: \"\(suffix)\""
    case .invalidCharacter(let character): "invalid character '\(character)' in unit name"
    case .startsWithAt: "unit name cannot start in \"@\""
    }
  }
}
