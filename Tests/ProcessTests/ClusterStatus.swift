// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// What a member says of its replica.
struct ReplicaStatus: Equatable {
  var role: String
  /// Index of the store, index of the log, and the hash of the whole tree at them.
  var digest: String
}

extension TestCluster {
  /// Asks one node for the state of its replica.
  func status(of node: TestNode) async throws -> ReplicaStatus {
    let object = try json(try await get("/coracle/v1/status?digest=true", from: node))
    let digest = object["digest"] as? [String: Any] ?? [:]
    return ReplicaStatus(
      role: object["role"] as? String ?? "",
      digest: ["etcdIndex", "raftAppliedIndex", "hash"].map { "\(digest[$0] ?? "?")" }.joined(separator: "/")
    )
  }

  /// The node that leads, once there is one.
  func leader() async throws -> TestNode {
    var found: TestNode?
    try await eventually("one of the nodes leads") {
      for node in nodes where node.processID != nil {
        if let status = try? await status(of: node), status.role == "StateLeader" {
          found = node
          return true
        }
      }
      return false
    }
    return found ?? nodes[0]
  }

  /// What a node holds of what writers have written: value by key.
  func written(on node: TestNode) async throws -> [String: String] {
    let tree = try json(try await get("/v2/keys/writers?recursive=true", from: node))
    var values: [String: String] = [:]
    func walk(_ node: [String: Any]) {
      if let key = node["key"] as? String, let value = node["value"] as? String { values[key] = value }
      for child in node["nodes"] as? [[String: Any]] ?? [] { walk(child) }
    }
    walk(tree["node"] as? [String: Any] ?? [:])
    return values
  }

  /// Waits until every node holds the same tree at the same index.
  func waitForEqualTrees(within timeout: Duration = .seconds(60)) async throws {
    var last: [ReplicaStatus] = []
    do {
      try await eventually("equal trees at equal index", within: timeout) {
        last = []
        for node in nodes { last.append(try await status(of: node)) }
        return Set(last.map(\.digest)).count == 1
      }
    } catch {
      throw CommandFailed(description: "\(error): \(last)")
    }
  }
}

/// Parses a JSON object.
func json(_ text: String) throws -> [String: Any] {
  guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
    throw CommandFailed(description: "no JSON object: \(text)")
  }
  return object
}

/// The path of a file beside the process tests.
func testFile(_ path: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(path).path
}
