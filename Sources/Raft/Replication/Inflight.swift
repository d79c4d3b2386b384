// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// Append messages sent and not yet acknowledged: the window of the pipeline.
///
/// Source: etcd-io/raft `tracker/inflights.go`.
struct Inflight: Sendable {
  private var messages: Deque<(last: LogIndex, bytes: Int)> = []
  private var bytes = 0

  var isEmpty: Bool { messages.isEmpty }

  func isFull(_ limits: RaftSettings) -> Bool {
    messages.count >= limits.inflightMessages || bytes >= limits.inflightBytes
  }

  mutating func add(_ last: LogIndex, bytes: Int) {
    messages.append((last, bytes))
    self.bytes += bytes
  }

  mutating func free(through index: LogIndex) {
    while let oldest = messages.first, oldest.last <= index {
      bytes -= oldest.bytes
      messages.removeFirst()
    }
  }
}
