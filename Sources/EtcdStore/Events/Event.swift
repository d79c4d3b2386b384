// SPDX-License-Identifier: Apache-2.0

/// What an event did; the raw value is the `action` of the JSON body.
public enum EventAction: String, Sendable, CaseIterable {
  case get
  case set
  case create
  case update
  case delete
  case compareAndSwap
  case compareAndDelete
  case expire
}

/// A node as one answer shows it: copied out of the tree, safe to keep.
///
/// Source: etcd v2.3.8 `store/node_extern.go`; specs §5.
public struct NodeView: Sendable, Equatable {
  /// The absolute key without trailing slash; empty for the root.
  public var key: String
  /// The file's value; nil for directories and for the `node` of removals.
  public var value: String?
  /// Whether the node is a directory.
  public var isDirectory: Bool
  /// When the node expires; nil when it is permanent.
  public var expiration: Timestamp?
  /// Whole seconds left when the answer was made, rounded up; nil when permanent or 0.
  public var ttlSeconds: Int64?
  /// Visible children; nil when there are none to show or the node is not listed.
  public var nodes: [NodeView]?
  /// Index of the last change; zero for the root.
  public var modifiedIndex: EtcdIndex
  /// Index of the creation; zero for the root.
  public var createdIndex: EtcdIndex

  /// Makes a view.
  public init(
    key: String,
    value: String? = nil,
    isDirectory: Bool = false,
    expiration: Timestamp? = nil,
    ttlSeconds: Int64? = nil,
    nodes: [NodeView]? = nil,
    modifiedIndex: EtcdIndex = .zero,
    createdIndex: EtcdIndex = .zero
  ) {
    self.key = key
    self.value = value
    self.isDirectory = isDirectory
    self.expiration = expiration
    self.ttlSeconds = ttlSeconds
    self.nodes = nodes
    self.modifiedIndex = modifiedIndex
    self.createdIndex = createdIndex
  }
}

/// The outcome of a successful operation, and what watchers receive.
public struct Event: Sendable, Equatable {
  /// What happened.
  public var action: EventAction
  /// The node after the operation.
  public var node: NodeView
  /// The node before the operation, where there was one.
  public var previousNode: NodeView?
  /// The store's index when the event was made: for writes the index of the write itself.
  public var etcdIndex: EtcdIndex
  /// Whether this was a refresh, which watchers do not see (specs §8).
  public var isRefresh: Bool

  /// Makes an event.
  public init(
    action: EventAction,
    node: NodeView,
    previousNode: NodeView? = nil,
    etcdIndex: EtcdIndex,
    isRefresh: Bool = false
  ) {
    self.action = action
    self.node = node
    self.previousNode = previousNode
    self.etcdIndex = etcdIndex
    self.isRefresh = isRefresh
  }

  /// Whether a node was made where none stood: answered with 201 instead of 200 (specs §6).
  public var isCreation: Bool {
    action == .create || (action == .set && previousNode == nil)
  }
}
