// SPDX-License-Identifier: Apache-2.0

/// A value in a template, as Go would hold it.
///
/// Shape: strings are bytes, as Go's are; maps have strings as keys and are printed in the order of their bytes.
public indirect enum TemplateValue: Sendable {
  /// What is not there at all, such as a member that a map has not; prints as `<no value>`.
  case noValue
  /// `nil` of a type; prints as `<nil>`, but that of a list as `[]` and that of a map as `map[]`.
  case null(GoType)
  case bool(Bool)
  case integer(Int, GoType.IntegerKind)
  case float(Double)
  /// A string.
  case bytes([UInt8])
  /// Values in order, with the type of the whole.
  case list([TemplateValue], GoType)
  /// Values by name, with the type of the whole.
  case map([String: TemplateValue], GoType)
  /// A value with fields and methods.
  case object(TemplateObject)

  /// A string.
  public static func string(_ text: String) -> TemplateValue { .bytes(Array(text.utf8)) }

  /// A whole number of type `int`.
  public static func int(_ number: Int) -> TemplateValue { .integer(number, .int) }

  /// A `[]string`.
  public static func strings(_ texts: [String]) -> TemplateValue { .list(texts.map(string), .slice(.string)) }

  /// The value's type; nil when there is no value.
  public var type: GoType? {
    switch self {
    case .noValue: nil
    case .null(let type): type
    case .bool: .bool
    case .integer(_, let kind): .integer(kind)
    case .float: .float64
    case .bytes: .string
    case .list(_, let type), .map(_, let type): type
    case .object(let object): .named(object.typeName, .structure)
    }
  }

  /// The string's text, or nil for another type; bytes that are no UTF-8 become replacement characters.
  public var text: String? {
    if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
  }

  /// Whether `if` and `with` take the value for true: it is not the zero or the empty value of its type.
  public var isTrue: Bool {
    switch self {
    case .noValue, .null: false
    case .bool(let value): value
    case .integer(let value, _): value != 0
    case .float(let value): value != 0
    case .bytes(let bytes): !bytes.isEmpty
    case .list(let elements, _): !elements.isEmpty
    case .map(let members, _): !members.isEmpty
    case .object: true
    }
  }

  /// The value with the nil of a list or map as an empty one.
  var filled: TemplateValue {
    guard case .null(let type) = self else { return self }
    return switch type.underlying {
    case .slice: .list([], type)
    case .map: .map([:], type)
    default: self
    }
  }

  /// What a list, map or field of type `interface {}` holds, with the interface forgotten.
  var unboxed: TemplateValue {
    if case .null(.any) = self { .noValue } else { self }
  }
}

/// A value with named fields, as a struct of Go, and with methods that a template may call.
public struct TemplateObject: Sendable {
  /// The type as Go names it, such as `memkv.KVPair`.
  public var typeName: String
  /// The fields in the order in which they are printed.
  public var fields: [(name: String, value: TemplateValue)]
  /// Methods by name; they come before fields.
  public var methods: [String: TemplateFunction]
  /// What `%v` and `%s` print in place of the fields, for types with a `String` method.
  public var text: String?

  /// Makes an object.
  public init(
    _ typeName: String,
    fields: [(name: String, value: TemplateValue)] = [],
    methods: [String: TemplateFunction] = [:],
    text: String? = nil
  ) {
    self.typeName = typeName
    self.fields = fields
    self.methods = methods
    self.text = text
  }

  subscript(_ name: String) -> TemplateValue? { fields.first { $0.name == name }?.value }
}

extension Dictionary where Key == String {
  /// The members in the order of the bytes of their names, as Go prints them.
  func inOrder() -> [(key: String, value: Value)] {
    sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }
}
