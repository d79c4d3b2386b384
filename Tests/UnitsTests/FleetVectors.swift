// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Cases made by running fleet's own packages.
struct FleetVectors: Decodable {
  var names: [Name]
  var requirements: [Requirements]
  var unit_parse: [Parse]

  struct Name: Decodable, Sendable {
    var name: String
    var N: String
    var prefix: String
    var instance: String
    var isInstance: Bool
    var isTemplate: Bool
    var template: String
    var error: String?
  }

  struct Requirements: Decodable, Sendable {
    var unit: String
    var xfleet: String
    var machineID: String
    var hasMachineID: Bool
    var metadata: [String: [String]]
    var peers: [String]
    var conflicts: [String]
    var replaces: [String]
    var global: Bool
  }

  struct Parse: Decodable, Sendable {
    var `case`: String
    var raw: String
    var error: String?
    var description: String?
    var options: [Option]?
    var serialized: String?
    var sha1: String?
  }

  struct Option: Decodable, Sendable {
    var section: String
    var name: String
    var value: String?
  }

  static func load() throws -> FleetVectors {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/fleet-vectors.json")
    return try JSONDecoder().decode(FleetVectors.self, from: Data(contentsOf: url))
  }
}
