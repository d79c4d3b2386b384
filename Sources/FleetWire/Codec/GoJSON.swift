// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// JSON bodies read as Go's decoder reads them, with its words for what is wrong: fleet's API passes them on.
///
/// The first value counts and what follows is ignored; names of fields fit whatever their case; `null` is as if nothing
/// were there. Source: Go's `encoding/json`, `Decoder.Decode`.
enum GoJSON {
  /// Why a body cannot be read.
  struct Failure: Error, Equatable {
    var message: String
  }

  static func firstValue(in body: some Sequence<UInt8>) throws(Failure) -> JSONValue {
    let bytes = Array(body)
    do {
      return try JSONValue.parseFirst(bytes)
    } catch {
      throw Failure(message: message(error, bytes))
    }
  }

  private static let spaces: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]

  private static func message(_ error: JSONError, _ bytes: [UInt8]) -> String {
    if bytes.allSatisfy(spaces.contains) { return "EOF" }
    guard error.byteOffset < bytes.count else { return "unexpected EOF" }
    guard let expectation = expectations[error.reason] else { return "\(error)" }
    return "invalid character \(quoted(bytes[error.byteOffset])) \(expectation)"
  }

  /// What Go says was expected, by what our parser says is wrong.
  private static let expectations = [
    "a value is missing": "looking for beginning of value",
    "a field's name is missing": "looking for beginning of object key string",
    "a colon is missing": "after object key",
    "a comma or closing brace is missing": "after object key:value pair",
    "a comma or closing bracket is missing": "after array element",
    "a control character stands in a string": "in string literal",
    "an escape is not known": "in string escape code",
    "an escape is malformed": "in \\u hexadecimal character escape",
    "a number is malformed": "in numeric literal",
  ]

  private static func quoted(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "'"): return #"'\''"#
    case UInt8(ascii: "\\"): return #"'\\'"#
    case UInt8(ascii: "\n"): return #"'\n'"#
    case UInt8(ascii: "\r"): return #"'\r'"#
    case UInt8(ascii: "\t"): return #"'\t'"#
    case 0x20..<0x7F: return "'\(Character(Unicode.Scalar(byte)))'"
    default:
      let digits = String(byte, radix: 16)
      return byte < 0x80 ? "'\\x" + (byte < 16 ? "0" : "") + digits + "'" : "'\(Character(Unicode.Scalar(byte)))'"
    }
  }
}

/// The fields of one object on their way into what is a struct in Go.
struct GoFields {
  private let value: JSONValue
  private let type: String

  /// Takes an object.
  ///
  /// - Parameters:
  ///   - value: The object, or `null`.
  ///   - type: Name of the struct in Go's messages, such as `schema.Unit`.
  /// - Throws: ``GoJSON/Failure`` when it is neither.
  init(_ value: JSONValue, type: String) throws(GoJSON.Failure) {
    guard value.object != nil || value == .null else {
      throw GoJSON.Failure(message: "json: cannot unmarshal \(value.goKind) into Go value of type \(type)")
    }
    self.value = value
    self.type = type
  }

  /// A text; empty when the field is missing.
  func text(_ name: String) throws(GoJSON.Failure) -> String {
    guard let field = field(name) else { return "" }
    guard let text = field.string else { throw mismatch(field, name, "string") }
    return text
  }

  /// A list; empty when the field is missing.
  func list(_ name: String, of elementType: String) throws(GoJSON.Failure) -> [JSONValue] {
    guard let field = field(name) else { return [] }
    guard let elements = field.array else { throw mismatch(field, name, "[]*\(elementType)") }
    return elements
  }

  /// A field, its name in any case; nil when it is missing or `null`.
  func field(_ name: String) -> JSONValue? { value.fieldIgnoringCase(name.lowercased(), exactly: name) }

  private func mismatch(_ field: JSONValue, _ name: String, _ wanted: String) -> GoJSON.Failure {
    let structure = type.split(separator: ".").last ?? ""
    return GoJSON.Failure(
      message: "json: cannot unmarshal \(field.goKind) into Go struct field \(structure).\(name) of type \(wanted)"
    )
  }
}

extension JSONValue {
  /// The kind in the words of Go's decoder.
  var goKind: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .integer, .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  /// The field of an object regardless of case, the exact name first, as Go's decoder finds it.
  fileprivate func fieldIgnoringCase(_ lowercased: String, exactly name: String) -> JSONValue? {
    if let value = self[name] { return value }
    let value = object?.last { $0.name.lowercased() == lowercased }?.value
    return value == .null ? nil : value
  }
}
