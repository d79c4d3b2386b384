// SPDX-License-Identifier: Apache-2.0

/// A JSON document that keeps the order of its keys and the text of its numbers.
///
/// The engine's answers differ by version, so they are read by name instead of decoded into fixed types, and
/// `docker inspect` prints them in the order the engine chose.
enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// The number as written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// A whole number.
  static func integer(_ value: Int64) -> JSONValue { .number(String(value)) }

  /// A list of strings.
  static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

  /// The member of that name; nil for anything that has none.
  subscript(_ key: String) -> JSONValue? {
    guard case .object(let object) = self else { return nil }
    return object[key]
  }

  var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  var int64: Int64? {
    guard case .number(let text) = self else { return nil }
    return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
  }

  /// The elements; empty for anything that is no array.
  var elements: [JSONValue] {
    guard case .array(let values) = self else { return [] }
    return values
  }

  /// The members in order; empty for anything that is no object.
  var members: [JSONObject.Member] {
    guard case .object(let object) = self else { return [] }
    return object.members
  }
}

/// The members of a JSON object in the order they came.
struct JSONObject: Sendable, Equatable {
  /// One name with its value.
  struct Member: Sendable, Equatable {
    var name: String
    var value: JSONValue
  }

  private(set) var members: [Member] = []

  init() {}

  init(_ members: [(String, JSONValue)]) {
    self.members = members.map { Member(name: $0.0, value: $0.1) }
  }

  var isEmpty: Bool { members.isEmpty }

  /// Reads, replaces, adds or (with nil) removes a member.
  subscript(_ name: String) -> JSONValue? {
    get { members.first { $0.name == name }?.value }
    set {
      let position = members.firstIndex { $0.name == name }
      switch (position, newValue) {
      case (let position?, let value?): members[position].value = value
      case (let position?, nil): members.remove(at: position)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Adds a member without looking for one of the same name: the parser's way, linear for any size.
  mutating func append(_ name: String, _ value: JSONValue) {
    members.append(Member(name: name, value: value))
  }
}
