// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// Reading the bodies of a remote store, coracle's or a real etcd's.
extension KeysJSON {
  /// Reads the body of an event.
  ///
  /// - Parameters:
  ///   - bytes: The body, or one line of a watch's body.
  ///   - etcdIndex: The answer's `X-Etcd-Index`; nil (as for the events of a watch) takes the node's modifiedIndex.
  /// - Returns: The event.
  /// - Throws: ``JSONError`` when the body is no event.
  public static func decodeEvent(
    _ bytes: some Sequence<UInt8>,
    etcdIndex: EtcdIndex? = nil
  ) throws(JSONError) -> Event {
    let body = try JSONValue.parse(bytes)
    guard let name = body["action"]?.string, let action = EventAction(rawValue: name) else {
      throw JSONError("the body has no action of an event", atByte: 0)
    }
    // A write with noValueOnSuccess has no node.
    let node = try body["node"].map(decodeNode) ?? NodeView(key: "")
    let previous = try body["prevNode"].map(decodeNode)
    return Event(action: action, node: node, previousNode: previous, etcdIndex: etcdIndex ?? node.modifiedIndex)
  }

  /// Reads the body of an error.
  ///
  /// - Parameter bytes: The body.
  /// - Returns: The error; a number this server does not know becomes 300 with its text as cause.
  /// - Throws: ``JSONError`` when the body is no error.
  public static func decodeError(_ bytes: some Sequence<UInt8>) throws(JSONError) -> EtcdError {
    let body = try JSONValue.parse(bytes)
    guard let number = body["errorCode"]?.int else {
      throw JSONError("the body has no errorCode", atByte: 0)
    }
    let cause = body["cause"]?.string ?? ""
    let index = EtcdIndex(body["index"]?.uint64 ?? 0)
    if let code = EtcdErrorCode(rawValue: number) {
      return EtcdError(code, cause: cause, index: index)
    }
    let message = body["message"]?.string ?? ""
    return EtcdError(.raftInternal, cause: "\(number): \(message) (\(cause))", index: index)
  }

  private static func decodeNode(_ body: JSONValue) throws(JSONError) -> NodeView {
    guard body.object != nil else { throw JSONError("a node is not an object", atByte: 0) }
    var node = NodeView(key: body["key"]?.string ?? "")
    node.isDirectory = body["dir"]?.bool ?? false
    node.value = node.isDirectory ? nil : body["value"]?.string
    if let text = body["expiration"]?.string {
      guard let expiration = Timestamp(rfc3339: text) else {
        throw JSONError("the expiration \(text) is no time", atByte: 0)
      }
      node.expiration = expiration
    }
    node.ttlSeconds = body["ttl"]?.int64
    node.modifiedIndex = EtcdIndex(body["modifiedIndex"]?.uint64 ?? 0)
    node.createdIndex = EtcdIndex(body["createdIndex"]?.uint64 ?? 0)
    if let children = body["nodes"]?.array {
      var nodes: [NodeView] = []
      for child in children { nodes.append(try decodeNode(child)) }
      node.nodes = nodes.isEmpty ? nil : nodes
    }
    return node
  }
}
