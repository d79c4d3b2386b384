// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// What coracle's answers have told about the keyspace, so that conditions can be made that hold, and some that do not.
struct KnownKeys {
  struct Node {
    var value: String?
    var modifiedIndex: Int64
  }

  /// Nodes by key; not all of them are still there.
  private(set) var nodes: [String: Node] = [:]
  /// The newest index that was seen.
  private(set) var newest: Int64 = 0

  /// Takes over what an answer says.
  mutating func learn(_ answer: RawAnswer) {
    if let index = answer["x-etcd-index"].flatMap({ Int64($0) }) { newest = max(newest, index) }
    guard answer.status < 300, let event = try? JSONValue.parse(answer.body), let node = event["node"] else { return }
    switch event["action"]?.string {
    case "delete", "compareAndDelete", "expire":
      guard let key = node["key"]?.string else { return }
      nodes = nodes.filter { $0.key != key && !$0.key.hasPrefix(key + "/") }
    default: learn(node)
    }
  }

  private mutating func learn(_ node: JSONValue) {
    if let key = node["key"]?.string, let index = node["modifiedIndex"]?.int64 {
      nodes[key] = Node(value: node["value"]?.string, modifiedIndex: index)
    }
    for child in node["nodes"]?.array ?? [] { learn(child) }
  }
}
