// SPDX-License-Identifier: Apache-2.0
import Units

/// Lines of a unit's output, read from its files as they are asked for, so that a slow reader fills no buffer.
public struct JournalLines: AsyncSequence, Sendable {
  /// What is produced.
  public typealias Element = JournalEntry

  let reader: JournalReader
  let follows: Bool

  /// Begins to read.
  public func makeAsyncIterator() -> Iterator {
    Iterator(reader, follows: follows)
  }

  /// Reads one line after the other.
  public struct Iterator: AsyncIteratorProtocol {
    /// How often a file that is being followed is looked at.
    static let followInterval = Duration.milliseconds(100)

    private var reader: JournalReader
    private let follows: Bool
    private var pending: ArraySlice<JournalEntry> = []
    private var isAtEnd = false

    init(_ reader: JournalReader, follows: Bool) {
      self.reader = reader
      self.follows = follows
    }

    /// The next line; nil at the end, and when the task is cancelled.
    public mutating func next() async -> JournalEntry? {
      while true {
        if let entry = pending.popFirst() { return entry }
        if isAtEnd {
          guard follows else { return nil }
          do {
            try await Task.sleep(for: Self.followInterval)
          } catch {
            return nil
          }
        }
        let batch = reader.read()
        pending = batch.records.map { JournalEntry($0) }[...]
        isAtEnd = batch.isAtEnd
      }
    }
  }
}
