// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// Append messages sent and not yet acknowledged: the window of the pipeline.
///
/// Source: etcd-io/raft `tracker/inflights.go`.
struct Inflight: Sendable {
  private var messages: Deque<(last: LogIndex, bytes: Int)> = []
  private var bytes = 0
  /// How many messages may be on their way now: twice as many after each that arrived, up to the limit.
  ///
  /// Differs: etcd opens the whole window at once; on a network that reorders, each message that overtakes another would
  /// then make a whole window be sent again.
  private var window = 1

  func isFull(_ limits: RaftSettings) -> Bool {
    messages.count >= min(window, limits.inflightMessages) || bytes >= limits.inflightBytes
  }

  mutating func add(_ last: LogIndex, bytes: Int) {
    messages.append((last, bytes))
    self.bytes += bytes
  }

  mutating func free(through index: LogIndex, _ limits: RaftSettings) {
    if let oldest = messages.first, oldest.last <= index { window = min(window * 2, limits.inflightMessages) }
    while let oldest = messages.first, oldest.last <= index {
      bytes -= oldest.bytes
      messages.removeFirst()
    }
  }
}
