// SPDX-License-Identifier: Apache-2.0

/// One change of the keyspace, with what a watcher hub needs to find everyone concerned.
public struct StoreChange: Sendable, Equatable {
  /// The event, as watchers and the event history get it.
  public var event: Event
  /// Keys of the nodes that stood below a removed directory and went with it; empty for other events.
  public var removedDescendants: [String]

  /// Makes a change.
  public init(event: Event, removedDescendants: [String] = []) {
    self.event = event
    self.removedDescendants = removedDescendants
  }
}

/// What applying one command brought.
public struct StoreOutcome: Sendable, Equatable {
  /// The answer for whoever proposed a write; nil for ``StoreCommand/expire(through:)``, which nobody waits for, and for
  /// ``StoreCommand/refresh(_:)``.
  public var result: Result<Event, EtcdError>?
  /// The answers to the refreshes of a batch, in their order; empty for other commands.
  public var refreshed: [Result<Event, EtcdError>]
  /// What changed, oldest first: one change for a successful write or refresh, one for each expired node, none for a
  /// failure.
  public var changes: [StoreChange]

  /// Makes an outcome.
  public init(
    result: Result<Event, EtcdError>?,
    refreshed: [Result<Event, EtcdError>] = [],
    changes: [StoreChange]
  ) {
    self.result = result
    self.refreshed = refreshed
    self.changes = changes
  }

  /// The events of the changes, oldest first.
  public var events: [Event] { changes.map(\.event) }
}
