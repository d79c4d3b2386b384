// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import TestKit

/// Asks one machine over its control socket, which no partition of the network cuts.
struct MachineAPI: Sendable {
  let socketPath: String

  /// Whether the node serves and its store answers.
  var isHealthy: Bool { (try? ask("GET", "/health").status) == 200 }

  /// Whether the machine's member leads the store.
  var leadsStore: Bool {
    guard let answer = try? ask("GET", "/coracle/v1/status"), let json = try? JSONValue.parse(answer.body) else {
      return false
    }
    return json["role"]?.string == "StateLeader"
  }

  /// The id of the machine whose engine leads.
  func engineLeader() throws -> String {
    let answer = try ask("GET", "/v2/keys/_coreos.com/fleet/lease/engine-leader?quorum=true")
    guard let value = try JSONValue.parse(answer.body)["node"]?["value"]?.string,
      let id = try JSONValue.parse(Array(value.utf8))["MachineID"]?.string
    else { throw CommandFailed(description: "no engine leads") }
    return id
  }

  /// The store's index.
  func storeIndex() throws -> UInt64 {
    let answer = try StoreConnection(socketPath: socketPath).exchange("GET", "/v2/keys/", within: 3_000)
    guard let index = answer.head.fields["x-etcd-index"].flatMap({ UInt64($0) }) else {
      throw CommandFailed(description: "the store does not tell its index")
    }
    return index
  }

  /// Ids of the machines whose presence has expired after an index.
  func expired(after index: UInt64) throws -> Set<String> {
    let directory = "/_coreos.com/fleet/machines"
    let last = try storeIndex()
    var next = index + 1
    var found: Set<String> = []
    while next <= last {
      let target = "/v2/keys\(directory)?recursive=true&wait=true&waitIndex=\(next)"
      // Silence: nothing else has happened to machines.
      guard let answer = try? StoreConnection(socketPath: socketPath).exchange("GET", target, within: 500) else {
        break
      }
      let event = try JSONValue.parse(answer.body)
      guard let node = event["node"], let modified = node["modifiedIndex"]?.uint64 else { break }
      if modified > last { break }
      if event["action"]?.string == "expire", let words = node["key"]?.string?.split(separator: "/"), words.count > 3 {
        found.insert(String(words[3]))
      }
      next = modified + 1
    }
    return found
  }

  /// Ids of the machines that are present.
  func machines() throws -> [String] {
    try list("machines").compactMap { $0["id"]?.string }
  }

  /// By name, where each unit is placed.
  func placements() throws -> [String: String] {
    let pairs = try list("units").compactMap { unit in
      unit["name"]?.string.map { ($0, unit["machineID"]?.string ?? "") }
    }
    return Dictionary(pairs) { first, _ in first }
  }

  /// `unit machine` of each unit state, and whether it is `active`.
  func states() throws -> [String: Bool] {
    let pairs = try list("state").map { state in
      let key = "\(state["name"]?.string ?? "?") \(state["machineID"]?.string ?? "?")"
      return (key, state["systemdActiveState"]?.string == "active")
    }
    return Dictionary(pairs) { first, _ in first }
  }

  /// Creates or starts a unit.
  func start(_ unit: TestedUnit) throws {
    try expect([201, 204], "PUT", "/fleet/v1/units/\(unit.name)", json: unit.request)
  }

  /// Destroys a unit; one that is not there is as well.
  func destroy(_ unit: String) throws {
    try expect([204, 404], "DELETE", "/fleet/v1/units/\(unit)")
  }

  /// Sets, or with nil removes, a key of a machine's metadata.
  func setMetadata(_ key: String, to value: String?, of machineID: String) throws {
    let path = "/\(machineID)/metadata/\(key)"
    let operation =
      value.map { #"[{"op":"add","path":"\#(path)","value":{"value":"\#($0)"}}]"# }
      ?? #"[{"op":"remove","path":"\#(path)"}]"#
    try expect([204], "PATCH", "/fleet/v1/machines", json: operation)
  }

  private func list(_ kind: String) throws -> [JSONValue] {
    let answer = try ask("GET", "/fleet/v1/\(kind)")
    guard answer.status == 200 else { throw CommandFailed(description: "\(kind): status \(answer.status)") }
    let field = kind == "state" ? "states" : kind
    return try JSONValue.parse(answer.body)[field]?.array ?? []
  }

  private func expect(_ statuses: Set<Int>, _ method: String, _ target: String, json: String? = nil) throws {
    let answer = try ask(method, target, json: json)
    guard statuses.contains(answer.status) else {
      throw CommandFailed(
        description: "\(method) \(target): status \(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
      )
    }
  }

  private func ask(_ method: String, _ target: String, json: String? = nil) throws -> (status: Int, body: [UInt8]) {
    let answer = try StoreConnection(socketPath: socketPath).exchange(method, target, json: json, within: 3_000)
    return (answer.head.status, answer.body)
  }
}
