// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import EtcdStore
import EtcdWire

/// The forms in which etcdctl prints an answer; `table` is another name for `simple`.
enum KeyValueFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  case simple
  case extended
  case json

  /// Nil for a name that is none.
  init?(rawValue: String) {
    switch rawValue {
    case "simple", "table": self = .simple
    case "extended": self = .extended
    case "json": self = .json
    default: return nil
    }
  }

  /// An answer in this form, with its line feed.
  ///
  /// Source: etcd v2.3.8 `etcdctl/command/format.go`.
  func text(of event: Event) -> String {
    switch self {
    case .simple: simple(event) + "\n"
    case .extended: extended(event) + "\n"
    case .json: json(event).text + "\n"
    }
  }

  private func simple(_ event: Event) -> String {
    event.action == .delete ? "PrevNode.Value: \(event.previousNode?.value ?? "")" : event.node.value ?? ""
  }

  private func extended(_ event: Event) -> String {
    var lines = [
      "Key: \(event.node.key)",
      "Created-Index: \(event.node.createdIndex)",
      "Modified-Index: \(event.node.modifiedIndex)",
    ]
    if let previous = event.previousNode { lines.append("PrevNode.Value: \(previous.value ?? "")") }
    lines.append("TTL: \(event.node.ttlSeconds ?? 0)")
    lines.append("Index: \(event.etcdIndex)")
    if event.action != .delete { lines += ["", event.node.value ?? ""] }
    return lines.joined(separator: "\n")
  }

  /// The struct of the original's client library.
  private func json(_ event: Event) -> JSONValue {
    .fields([
      "action": .string(event.action.rawValue),
      "node": json(event.node),
      "prevNode": event.previousNode.map(json) ?? .null,
    ])
  }

  private func json(_ node: NodeView) -> JSONValue {
    var fields = [JSONValue.Field("key", .string(node.key))]
    if node.isDirectory { fields.append(.init("dir", true)) }
    fields.append(.init("value", .string(node.value ?? "")))
    fields.append(.init("nodes", node.nodes.map { .array($0.map(json)) } ?? .null))
    fields.append(.init("createdIndex", .unsigned(node.createdIndex.rawValue)))
    fields.append(.init("modifiedIndex", .unsigned(node.modifiedIndex.rawValue)))
    if let expiration = node.expiration { fields.append(.init("expiration", .string(expiration.rfc3339))) }
    if let seconds = node.ttlSeconds { fields.append(.init("ttl", .integer(seconds))) }
    return .object(fields)
  }
}
