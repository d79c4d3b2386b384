// SPDX-License-Identifier: Apache-2.0

/// A JSON value as it stands in a text: objects keep the order of their fields, numbers their digits.
///
/// Source: RFC 8259.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number that fits 64 bits with a sign.
  case integer(Int64)
  /// Any other number, as its digits; see ``double``.
  case number(String)
  /// A text.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// Fields in their order; a name that stands twice is kept twice.
  case object([Field])

  /// One field of an object.
  public struct Field: Sendable, Equatable {
    /// The name.
    public var name: String
    /// The value.
    public var value: JSONValue

    /// Makes a field.
    public init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// An object from its fields in their order.
  public static func fields(_ fields: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(fields.map { Field($0.key, $0.value) })
  }

  /// A list of texts.
  public static func strings(_ texts: some Sequence<String>) -> JSONValue {
    .array(texts.map { .string($0) })
  }

  /// The value of the last field of an object with a name; nil for other values, unknown names and `null`.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let fields) = self, let value = fields.last(where: { $0.name == name })?.value else {
      return nil
    }
    return value == .null ? nil : value
  }

  /// The text of a string.
  public var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The truth value of `true` and `false`.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The whole number, when it fits.
  public var int: Int? {
    if case .integer(let number) = self { Int(exactly: number) } else { nil }
  }

  /// The whole number, when it fits.
  public var int64: Int64? {
    if case .integer(let number) = self { number } else { nil }
  }

  /// The whole number, when it is not negative and fits.
  public var uint64: UInt64? {
    switch self {
    case .integer(let number): UInt64(exactly: number)
    case .number(let digits): UInt64(digits)
    case .null, .bool, .string, .array, .object: nil
    }
  }

  /// The number as floating point.
  public var double: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .number(let digits): Double(digits)
    case .null, .bool, .string, .array, .object: nil
    }
  }

  /// The elements of a list.
  public var array: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The fields of an object in their order.
  public var object: [Field]? {
    if case .object(let fields) = self { fields } else { nil }
  }

  /// The texts of a list that holds nothing but strings.
  public var strings: [String]? {
    guard let array else { return nil }
    let texts = array.compactMap(\.string)
    return texts.count == array.count ? texts : nil
  }

  /// A whole number of any size.
  public static func unsigned(_ number: UInt64) -> JSONValue {
    Int64(exactly: number).map { .integer($0) } ?? .number(String(number))
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  /// A string from a literal.
  public init(stringLiteral value: String) {
    self = .string(value)
  }

  /// A number from a literal.
  public init(integerLiteral value: Int64) {
    self = .integer(value)
  }

  /// A truth value from a literal.
  public init(booleanLiteral value: Bool) {
    self = .bool(value)
  }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
  /// A list from a literal.
  public init(arrayLiteral elements: JSONValue...) {
    self = .array(elements)
  }

  /// An object from a literal, in its order.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { Field($0.0, $0.1) })
  }
}
