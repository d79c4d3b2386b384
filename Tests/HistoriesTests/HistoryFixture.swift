// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Histories

/// Histories written by hand, one line an operation.
enum HistoryFixture {
  static let key = "/k"

  /// A write that was answered.
  static func set(
    _ value: String,
    at index: UInt64,
    over previous: (value: String, index: UInt64)? = nil,
    key: String = key,
    _ invoked: Int64,
    _ returned: Int64,
    ttl: TTLChange = .permanent
  ) -> ClientOperation {
    let write = KeysWrite.set(value: value, isDirectory: false, ttl: ttl, refresh: false)
    let node = NodeView(key: key, value: value, modifiedIndex: EtcdIndex(index), createdIndex: EtcdIndex(index))
    let before = previous.map { file(key, $0.value, created: $0.index, modified: $0.index) }
    return operation(.write(write), key, invoked, returned, .succeeded(event(.set, node, before)))
  }

  /// A write that nobody saw answered.
  static func unknownSet(_ value: String, key: String = key, _ invoked: Int64) -> ClientOperation {
    let write = KeysWrite.set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
    return operation(.write(write), key, invoked, Moment.never.rawValue, .unknown)
  }

  /// A read that found a file.
  static func read(
    _ value: String,
    of index: UInt64,
    at storeIndex: UInt64,
    key: String = key,
    quorum: Bool = true,
    member: String = "m1#1",
    _ invoked: Int64,
    _ returned: Int64
  ) -> ClientOperation {
    let node = file(key, value, created: index, modified: index)
    let event = Event(action: .get, node: node, etcdIndex: EtcdIndex(storeIndex))
    return operation(.read(quorum: quorum), key, invoked, returned, .succeeded(event), member: member)
  }

  /// An operation that was refused.
  static func failed(
    _ code: EtcdErrorCode,
    at storeIndex: UInt64,
    to action: ClientOperation.Action = .read(quorum: true),
    key: String = key,
    _ invoked: Int64,
    _ returned: Int64
  ) -> ClientOperation {
    operation(action, key, invoked, returned, .failed(EtcdError(code, cause: key, index: EtcdIndex(storeIndex))))
  }

  /// Any operation.
  static func operation(
    _ action: ClientOperation.Action,
    _ key: String,
    _ invoked: Int64,
    _ returned: Int64,
    _ outcome: ClientOperation.Outcome,
    member: String = "m1#1"
  ) -> ClientOperation {
    var operation = ClientOperation(
      client: Int(invoked),
      member: member,
      key: key,
      action: action,
      invoked: Moment(invoked)
    )
    operation.finish(outcome, at: Moment(returned))
    return operation
  }

  static func file(_ key: String, _ value: String?, created: UInt64, modified: UInt64) -> NodeView {
    NodeView(key: key, value: value, modifiedIndex: EtcdIndex(modified), createdIndex: EtcdIndex(created))
  }

  static func event(_ action: EventAction, _ node: NodeView, _ previous: NodeView? = nil) -> Event {
    Event(action: action, node: node, previousNode: previous, etcdIndex: node.modifiedIndex)
  }
}
