// SPDX-License-Identifier: Apache-2.0

/// Where an entry stands in a machine's journal; later entries have greater positions, over restarts too.
///
/// Units: the microsecond since the Unix epoch in which the entry was written down, or a later one when that was taken, so
/// that no two entries of a machine have the same. An entry's own time is never after it, unless a clock was set back.
public struct JournalPosition: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number.
  public var rawValue: Int64

  /// Makes a position.
  public init(rawValue: Int64) {
    self.rawValue = rawValue
  }

  /// Reads what ``description`` wrote; nil when the text is no position.
  public init?(_ text: String) {
    guard let number = Int64(text), number >= 0 else { return nil }
    rawValue = number
  }

  /// Before every entry.
  public static let start = JournalPosition(rawValue: 0)
  /// After every entry.
  public static let end = JournalPosition(rawValue: .max)

  /// The number in decimal digits; to be taken for opaque.
  public var description: String { "\(rawValue)" }

  /// Orders by time of writing.
  public static func < (first: JournalPosition, second: JournalPosition) -> Bool { first.rawValue < second.rawValue }
}

/// An entry of a unit's journal.
///
/// Source: systemd.journal-fields(7), as far as units have them.
public struct JournalRecord: Sendable, Equatable {
  /// Who wrote it.
  public enum Stream: String, Sendable, Equatable, Codable {
    /// The unit, on its standard output or error, which are one pipe so that their lines keep their order.
    case output = "stdout"
    /// coracle, about the unit.
    case coracle
  }

  /// Its place in the machine's journal.
  public var position: JournalPosition
  /// When it was written, microseconds since the Unix epoch.
  public var epochMicroseconds: Int64
  /// The machine; empty when the journal does not say.
  public var machineID: String
  /// The unit's name.
  public var unit: String
  /// The run of the unit, 32 hex digits; nil when unknown.
  public var invocation: String?
  /// Who wrote it.
  public var stream: Stream
  /// 0 (emerg) to 7 (debug).
  public var level: Int
  /// The process whose output it is; nil when there is none.
  public var processID: Int32?
  /// The program's name or `SyslogIdentifier=`; `coracle` for what is said about the unit.
  public var identifier: String
  /// The line without its newline, byte for byte.
  public var message: [UInt8]

  /// Makes an entry.
  public init(
    position: JournalPosition,
    epochMicroseconds: Int64,
    machineID: String = "",
    unit: String,
    invocation: String? = nil,
    stream: Stream = .output,
    level: Int = 6,
    processID: Int32? = nil,
    identifier: String,
    message: [UInt8]
  ) {
    self.position = position
    self.epochMicroseconds = epochMicroseconds
    self.machineID = machineID
    self.unit = unit
    self.invocation = invocation
    self.stream = stream
    self.level = level
    self.processID = processID
    self.identifier = identifier
    self.message = message
  }

  /// The message as text; bytes that are not UTF-8 became U+FFFD.
  public var text: String { String(decoding: message, as: UTF8.self) }
}

/// Some entries of one machine, in the order of their positions.
public struct JournalBatch: Sendable, Equatable {
  /// The entries.
  public var records: [JournalRecord]
  /// Everything up to here has been looked at; reading on from here repeats nothing and leaves nothing out.
  public var cursor: JournalPosition
  /// Where a reading that does not follow ends; nil while it is not known.
  public var end: JournalPosition?
  /// Whether nothing more is there now.
  public var isAtEnd: Bool

  /// Makes a batch.
  public init(
    records: [JournalRecord] = [],
    cursor: JournalPosition,
    end: JournalPosition? = nil,
    isAtEnd: Bool
  ) {
    self.records = records
    self.cursor = cursor
    self.end = end
    self.isAtEnd = isAtEnd
  }
}
