// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// The JSON bodies of `/v2/keys`.
///
/// Shape: one line of JSON with a line feed, fields in the order of the original, each left out when zero or absent.
/// Source: etcd v2.3.8 `store/node_extern.go`, `store/event.go`, `error/error.go`; specs §5.
public enum KeysJSON {
  /// The body for an event.
  ///
  /// - Parameters:
  ///   - event: The event.
  ///   - noValueOnSuccess: Whether only the action is wanted.
  /// - Returns: The line.
  public static func encode(_ event: Event, noValueOnSuccess: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256)
    append(event, noValueOnSuccess: noValueOnSuccess, to: &bytes)
    return bytes
  }

  /// Appends the body for an event, where room may be left over from an earlier one.
  public static func append(_ event: Event, noValueOnSuccess: Bool = false, to bytes: inout [UInt8]) {
    bytes.append("{\"action\":\"")
    bytes.append(event.action.rawValue)
    bytes.append("\"")
    if !noValueOnSuccess {
      bytes.append(",\"node\":")
      bytes.append(event.node)
      if let previous = event.previousNode {
        bytes.append(",\"prevNode\":")
        bytes.append(previous)
      }
    }
    bytes.append("}\n")
  }

  /// The body for an error.
  public static func encode(_ error: EtcdError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append("{\"errorCode\":")
    bytes.appendDecimal(error.code.rawValue)
    bytes.append(",\"message\":")
    bytes.appendJSONString(error.code.message)
    if !error.cause.isEmpty {
      bytes.append(",\"cause\":")
      bytes.appendJSONString(error.cause)
    }
    bytes.append(",\"index\":")
    bytes.appendDecimal(error.index.rawValue)
    bytes.append("}\n")
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ text: String) {
    append(contentsOf: text.utf8)
  }

  fileprivate mutating func append(_ node: NodeView) {
    append("{")
    var isFirst = true
    if !node.key.isEmpty {
      appendName("key", &isFirst)
      appendJSONString(node.key)
    }
    if let value = node.value {
      appendName("value", &isFirst)
      appendJSONString(value)
    }
    if node.isDirectory {
      appendName("dir", &isFirst)
      append("true")
    }
    if let expiration = node.expiration {
      appendName("expiration", &isFirst)
      appendJSONString(expiration.rfc3339)
    }
    if let seconds = node.ttlSeconds, seconds != 0 {
      appendName("ttl", &isFirst)
      appendDecimal(seconds)
    }
    if let children = node.nodes, !children.isEmpty {
      appendName("nodes", &isFirst)
      for (place, child) in children.enumerated() {
        append(place == 0 ? "[" : ",")
        append(child)
      }
      append("]")
    }
    if node.modifiedIndex != .zero {
      appendName("modifiedIndex", &isFirst)
      appendDecimal(node.modifiedIndex.rawValue)
    }
    if node.createdIndex != .zero {
      appendName("createdIndex", &isFirst)
      appendDecimal(node.createdIndex.rawValue)
    }
    append("}")
  }

  private mutating func appendName(_ name: String, _ isFirst: inout Bool) {
    append(isFirst ? "\"" : ",\"")
    append(name)
    append("\":")
    isFirst = false
  }
}
