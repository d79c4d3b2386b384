// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
import Units

/// Fields of an object as fleet writes them: by name, and left out when there is nothing to say.
///
/// Source: specs/fleet.md §2.1, "empty/zero fields omitted entirely".
struct FleetFields {
  private var fields: [JSONValue.Field] = []

  mutating func add(_ name: String, _ text: String?) {
    if let text, !text.isEmpty { fields.append(.init(name, .string(text))) }
  }

  mutating func add(_ name: String, _ number: Int64?) {
    if let number { fields.append(.init(name, .integer(number))) }
  }

  mutating func add(_ name: String, _ isTrue: Bool) {
    if isTrue { fields.append(.init(name, .bool(true))) }
  }

  mutating func add(_ name: String, _ elements: [JSONValue]) {
    if !elements.isEmpty { fields.append(.init(name, .array(elements))) }
  }

  mutating func add(_ name: String, _ texts: [String: String]) {
    guard !texts.isEmpty else { return }
    let sorted = texts.sorted { $0.key < $1.key }
    fields.append(.init(name, .object(sorted.map { .init($0.key, .string($0.value)) })))
  }

  var json: JSONValue { .object(fields.sorted { $0.name < $1.name }) }
}

extension JSONValue {
  /// The field as text; empty when it is missing, as Go's decoder leaves it.
  func text(_ name: String) -> String { self[name]?.string ?? "" }

  /// The fields of an object that are texts.
  var textFields: [String: String] {
    var texts: [String: String] = [:]
    for field in object ?? [] { texts[field.name] = field.value.string }
    return texts
  }
}

extension FleetAPIError {
  /// The body: `{"error":{"code":404,"message":"unit does not exist"}}`.
  public var json: JSONValue {
    ["error": ["code": .integer(Int64(httpStatus)), "message": .string(message)]]
  }

  /// The error a body carries; when it carries none, the status alone.
  public init(httpStatus: Int, body: JSONValue?) {
    self.init(httpStatus: httpStatus, message: body?["error"]?.text("message") ?? "")
  }
}
