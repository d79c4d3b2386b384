// SPDX-License-Identifier: Apache-2.0
import Units

/// One line of a unit's output.
public struct JournalEntry: Sendable, Equatable {
  /// When it was written, microseconds since the Unix epoch.
  public var epochMicroseconds: Int64
  /// The program's name, or `coracle` for what the runner says about the unit.
  public var source: String
  /// The process whose output it is; nil when there is none.
  public var processID: Int32?
  /// The text without its newline; bytes that are not UTF-8 became U+FFFD.
  public var text: String

  /// Makes an entry.
  public init(epochMicroseconds: Int64, source: String, processID: Int32?, text: String) {
    self.epochMicroseconds = epochMicroseconds
    self.source = source
    self.processID = processID
    self.text = text
  }

  init(_ record: JournalRecord) {
    self.init(
      epochMicroseconds: record.epochMicroseconds,
      source: record.identifier,
      processID: record.processID,
      text: record.text
    )
  }
}
