// SPDX-License-Identifier: Apache-2.0
import Raft

/// Messages on their way to one peer's event loop.
///
/// Invariant: never more than ``maximumMessages`` messages and ``maximumBytes`` bytes; what does not fit is dropped,
/// and so is everything while there is no stream, since Raft sends again what still matters.
struct OutgoingQueue {
  static let maximumMessages = 4_096
  static let maximumBytes = 64 << 20

  /// What the caller has to do after an append.
  enum Appended: Equatable {
    /// The event loop must be told to drain.
    case drainNeeded
    /// The event loop will come by anyway.
    case queued
    /// The message is gone.
    case dropped
  }

  private var messages: [Message] = []
  private var bytes = 0
  private var isOpen = false
  private var isDrainScheduled = false
  /// Messages dropped since the stream opened.
  private(set) var droppedCount: UInt64 = 0

  /// Starts accepting: a stream stands.
  mutating func open() {
    isOpen = true
    droppedCount = 0
  }

  /// Stops accepting and forgets what waits.
  mutating func close() {
    isOpen = false
    messages = []
    bytes = 0
    isDrainScheduled = false
  }

  /// Adds a message.
  mutating func append(_ message: Message) -> Appended {
    let sizeBytes = message.approximateBytes
    guard isOpen, messages.count < Self.maximumMessages, bytes + sizeBytes <= Self.maximumBytes else {
      droppedCount += 1
      return .dropped
    }
    messages.append(message)
    bytes += sizeBytes
    if isDrainScheduled { return .queued }
    isDrainScheduled = true
    return .drainNeeded
  }

  /// Hands everything over.
  mutating func drain() -> [Message] {
    isDrainScheduled = false
    bytes = 0
    let drained = messages
    messages = []
    return drained
  }
}
