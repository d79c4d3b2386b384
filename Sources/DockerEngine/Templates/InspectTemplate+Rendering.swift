// SPDX-License-Identifier: Apache-2.0

/// Why a template could not be filled.
struct TemplateError: Error, Equatable {
  var problem: String
}

extension InspectTemplate {
  /// Fills the template from a document.
  ///
  /// Scalars print plainly, lists as `[a b]`, maps as `map[k:v]` in order of key, as Go does.
  func rendered(from document: JSONValue) throws(TemplateError) -> String {
    var text = ""
    for piece in pieces {
      switch piece {
      case .text(let literal): text += literal
      case .action(let action): text += try render(action, document)
      }
    }
    return text
  }

  private func render(_ action: Action, _ document: JSONValue) throws(TemplateError) -> String {
    var value = document
    for name in action.path {
      guard let member = value[name] else {
        throw TemplateError(problem: "there is no \(name) in .\(action.path.joined(separator: "."))")
      }
      value = member
    }
    for index in action.indexes {
      switch index {
      // Go gives the zero value for a key that is not in the map.
      case .key(let key): value = value[key] ?? .string("")
      case .position(let position):
        guard position < value.elements.count else { throw TemplateError(problem: "index \(position) is out of range") }
        value = value.elements[position]
      }
    }
    var text: String?
    for function in action.functions {
      switch function {
      case .json: text = (text.map { .string($0) } ?? value).compactText
      case .lower: text = (text ?? Self.plain(value)).lowercased()
      case .upper: text = (text ?? Self.plain(value)).uppercased()
      }
    }
    return text ?? Self.plain(value)
  }

  private static func plain(_ value: JSONValue) -> String {
    switch value {
    case .null: "<nil>"
    case .bool(let value): value ? "true" : "false"
    case .number(let text): text
    case .string(let text): text
    case .array(let elements): "[" + elements.map(plain).joined(separator: " ") + "]"
    case .object(let object):
      "map["
        + object.members.sorted { $0.name < $1.name }.map { "\($0.name):\(plain($0.value))" }.joined(separator: " ")
        + "]"
    }
  }
}

extension JSONValue {
  /// The document with what API 1.52 took out of `NetworkSettings` put back, as units' templates expect it there.
  ///
  /// Differs: new engines do not send these members; they are filled from the network `bridge`, else from the only
  /// network there is.
  func withNetworkSettingsBackFilled() -> JSONValue {
    guard case .object(var document) = self, case .object(var settings) = document["NetworkSettings"] else {
      return self
    }
    let networks = settings["Networks"]?.members ?? []
    let source = networks.first { $0.name == "bridge" } ?? (networks.count == 1 ? networks.first : nil)
    let empty: [(String, JSONValue)] = [
      ("IPAddress", .string("")), ("IPPrefixLen", .integer(0)), ("Gateway", .string("")), ("MacAddress", .string("")),
      ("GlobalIPv6Address", .string("")), ("GlobalIPv6PrefixLen", .integer(0)), ("IPv6Gateway", .string("")),
    ]
    for (name, none) in empty where settings[name] == nil {
      settings[name] = source?.value[name] ?? none
    }
    document["NetworkSettings"] = .object(settings)
    return .object(document)
  }
}
