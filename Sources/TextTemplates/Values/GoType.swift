// SPDX-License-Identifier: Apache-2.0

/// The type of a value as Go names it: templates print it, and functions ask for it.
public indirect enum GoType: Hashable, Sendable {
  /// `interface {}`: holds a value of any type, or nothing.
  case any
  /// What a built-in function takes as it is, even when there is no value.
  case reflected
  case bool
  case string
  case float64
  case integer(IntegerKind)
  case slice(GoType)
  /// A map from strings to values of a type.
  case map(GoType)
  /// What is below a named type with fields.
  case structure
  /// A named type, such as `memkv.KVPair`, and what is below its name.
  case named(String, GoType)

  /// The signed and unsigned integer types.
  public enum IntegerKind: String, Sendable {
    case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64

    /// Whether values may be below zero.
    public var isSigned: Bool { !rawValue.hasPrefix("u") }
  }

  /// `int`, the type of whole numbers in templates.
  public static let int = GoType.integer(.int)

  /// The type without its name.
  var underlying: GoType {
    if case .named(_, let below) = self { below } else { self }
  }

  private var isNamed: Bool {
    switch self {
    case .named, .bool, .string, .float64, .integer: true
    default: false
    }
  }

  /// Whether a value of this type may be given where another type is wanted.
  func isAssignable(to wanted: GoType) -> Bool {
    if self == wanted || wanted == .any { return true }
    return underlying == wanted.underlying && !(isNamed && wanted.isNamed)
  }

  /// Whether `nil` may be given where this type is wanted.
  var canBeNil: Bool {
    switch underlying {
    case .any, .reflected, .slice, .map: true
    default: false
    }
  }
}

extension GoType: CustomStringConvertible {
  /// The type as Go prints it.
  public var description: String {
    switch self {
    case .any: "interface {}"
    case .reflected: "reflect.Value"
    case .bool: "bool"
    case .string: "string"
    case .float64: "float64"
    case .integer(let kind): kind.rawValue
    case .slice(let element): "[]\(element)"
    case .map(let element): "map[string]\(element)"
    case .structure: "struct {}"
    case .named(let name, _): name
    }
  }
}
