// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// The description of fleet's API in the form of Google's discovery service, for clients that generate themselves.
///
/// Source: fleet v1.0.0 `schema/v1.json`; specs/fleet.md §2.5.
enum FleetDiscoveryDocument {
  static let json: JSONValue = [
    "kind": "discovery#restDescription", "discoveryVersion": "v1", "id": "fleet:v1", "name": "schema",
    "version": "v1", "title": "fleet API", "protocol": "rest", "rootUrl": "$ENDPOINT/", "basePath": "/fleet/v1/",
    "batchPath": "batch", "parameters": [:], "auth": [:],
    "schemas": [
      "Machine": object([
        "id": text, "primaryIP": text, "metadata": ["type": "object", "additionalProperties": text],
      ]),
      "MachinePage": page("machines", of: "Machine"),
      "UnitOption": object(["section": text, "name": text, "value": text]),
      "Unit": object([
        "name": text, "options": list(of: "UnitOption"), "desiredState": states, "currentState": states,
        "machineID": text,
      ]),
      "UnitPage": page("units", of: "Unit"),
      "UnitState": object([
        "name": text, "hash": text, "machineID": text, "systemdLoadState": text, "systemdActiveState": text,
        "systemdSubState": text,
      ]),
      "UnitStatePage": page("states", of: "UnitState"),
    ],
    "resources": [
      "Machines": ["methods": ["List": method("GET", "machines", query: [], answer: "MachinePage")]],
      "Units": [
        "methods": [
          "List": method("GET", "units", query: [], answer: "UnitPage"),
          "Get": method("GET", "units/{unitName}", query: nil, answer: "Unit"),
          "Delete": method("DELETE", "units/{unitName}", query: nil, answer: nil),
          "Set": method("PUT", "units/{unitName}", query: nil, answer: nil, body: "Unit"),
        ]
      ],
      "UnitState": [
        "methods": [
          "List": method("GET", "state", query: ["unitName", "machineID"], answer: "UnitStatePage"),
          "Get": method("GET", "state/{unitName}", query: nil, answer: "UnitState"),
        ]
      ],
    ],
  ]

  private static let text: JSONValue = ["type": "string"]
  private static let states: JSONValue = ["type": "string", "enum": ["inactive", "loaded", "launched"]]

  private static func object(_ properties: JSONValue) -> JSONValue {
    ["type": "object", "properties": properties]
  }

  private static func list(of schema: String) -> JSONValue {
    ["type": "array", "items": ["$ref": .string(schema)]]
  }

  private static func page(_ name: String, of schema: String) -> JSONValue {
    object(.object([.init(name, list(of: schema)), .init("nextPageToken", text)]))
  }

  /// A method; `query` is nil for one unit, and names the filters of a listing, which all have a page token besides.
  private static func method(
    _ verb: String,
    _ path: String,
    query: [String]?,
    answer: String?,
    body: String? = nil
  ) -> JSONValue {
    let parameters: [JSONValue.Field] =
      if let query {
        (query + ["nextPageToken"]).map { .init($0, ["type": "string", "location": "query"]) }
      } else {
        [.init("unitName", ["type": "string", "location": "path", "required": true])]
      }
    var fields: [JSONValue.Field] = [
      .init("httpMethod", .string(verb)), .init("path", .string(path)), .init("parameters", .object(parameters)),
    ]
    if let body { fields.append(.init("request", ["$ref": .string(body)])) }
    if let answer { fields.append(.init("response", ["$ref": .string(answer)])) }
    return .object(fields)
  }
}
