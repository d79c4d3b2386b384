// SPDX-License-Identifier: Apache-2.0
import Units

/// An entry before it has its place in the journal.
struct JournalDraft: Equatable {
  var epochMicroseconds: Int64
  var level = 6
  var stream = JournalRecord.Stream.output
  var processID: Int32?
  var invocation: String?
  var identifier: String
  var message: [UInt8]
}

extension JournalDraft {
  init(_ line: HostedLine) {
    self.init(
      epochMicroseconds: line.epochMicroseconds,
      level: line.level ?? 6,
      stream: line.stream ?? (line.source == "coracle" ? .coracle : .output),
      processID: line.processID,
      invocation: line.invocation,
      identifier: line.source,
      message: Array(line.text.utf8)
    )
  }

  /// Something that coracle says of a unit.
  init(saying text: String, atMicroseconds now: Int64, level: Int = 6, invocation: String? = nil) {
    self.init(
      epochMicroseconds: now,
      level: level,
      stream: .coracle,
      invocation: invocation,
      identifier: "coracle",
      message: Array(text.utf8)
    )
  }
}

/// How entries stand in files.
///
/// Shape: a file begins with the line `#coracle-journal TAB 2 TAB MACHINE TAB UNIT`; then one line for each entry:
/// `POSITION TAB MICROSECONDS TAB LEVEL TAB STREAM TAB PROCESS-ID TAB INVOCATION TAB IDENTIFIER TAB MESSAGE`, `-` for what is
/// unknown. The message has its bytes as they are, but `\\` for a backslash and `\n` for a newline. A line without an end is
/// one that is being written, or that was when the power failed.
enum JournalCoding {
  /// The longest message, in bytes; longer lines are split, as journald does.
  static let messageLimitBytes = 48 << 10
  /// The longest line of a file, in bytes: every byte of the message may take two, and an identifier is a unit's value.
  static let lineLimitBytes = 2 * messageLimitBytes + 4096
  private static let identifierLimitBytes = 1024
  private static let tab = UInt8(ascii: "\t")
  private static let newline = UInt8(ascii: "\n")
  private static let backslash = UInt8(ascii: "\\")

  static func header(machineID: String, unit: String) -> [UInt8] {
    Array("#coracle-journal\t2\t\(machineID.isEmpty ? "-" : machineID)\t\(unit)\n".utf8)
  }

  /// The machine a header names; nil when the line is none.
  static func machineID(inHeader line: ArraySlice<UInt8>) -> String? {
    let fields = line.split(separator: tab)
    guard fields.count == 4, String(decoding: fields[0], as: UTF8.self) == "#coracle-journal" else { return nil }
    let text = String(decoding: fields[2], as: UTF8.self)
    return text == "-" ? nil : text
  }

  static func encode(_ draft: JournalDraft, at position: JournalPosition, into bytes: inout [UInt8]) {
    let processID = draft.processID.map { "\($0)" } ?? "-"
    let fields =
      "\(position)\t\(draft.epochMicroseconds)\t\(draft.level)\t\(draft.stream.rawValue)\t\(processID)"
      + "\t\(draft.invocation ?? "-")\t"
    bytes.append(contentsOf: fields.utf8)
    let identifier = draft.identifier.isEmpty ? "-" : draft.identifier
    bytes.append(contentsOf: identifier.utf8.prefix(identifierLimitBytes).map { $0 == tab || $0 == newline ? 32 : $0 })
    bytes.append(tab)
    for byte in draft.message.prefix(messageLimitBytes) {
      switch byte {
      case newline: bytes += [backslash, UInt8(ascii: "n")]
      case backslash: bytes += [backslash, backslash]
      default: bytes.append(byte)
      }
    }
    bytes.append(newline)
  }

  /// Reads a line; nil when it is no entry.
  ///
  /// - Parameters:
  ///   - line: The line without its newline.
  ///   - unit: Whose journal it is in.
  ///   - machineID: The machine of the file.
  ///   - isFormer: Whether the file is an older program's.
  /// - Returns: The entry.
  static func decode(
    _ line: ArraySlice<UInt8>,
    unit: String,
    machineID: String,
    isFormer: Bool
  ) -> JournalRecord? {
    if isFormer { return decodeFormer(line, unit: unit, machineID: machineID) }
    let fields = line.split(separator: tab, maxSplits: 7, omittingEmptySubsequences: false)
    guard fields.count == 8, let position = number(fields[0]), let time = number(fields[1]),
      let level = number(fields[2]), (0...7).contains(level),
      let stream = JournalRecord.Stream(rawValue: text(fields[3]))
    else { return nil }
    let invocation = text(fields[5])
    return JournalRecord(
      position: JournalPosition(rawValue: position),
      epochMicroseconds: time,
      machineID: machineID,
      unit: unit,
      invocation: invocation == "-" ? nil : invocation,
      stream: stream,
      level: Int(level),
      processID: Int32(text(fields[4])),
      identifier: text(fields[6]),
      message: unescaped(fields[7])
    )
  }

  /// Position and time of a line alone; nil when it is no entry.
  static func place(of line: ArraySlice<UInt8>, isFormer: Bool) -> (position: JournalPosition, time: Int64)? {
    let fields = line.prefix(64).split(separator: tab, maxSplits: 2, omittingEmptySubsequences: false)
    guard fields.count == 3, let position = number(fields[0]) else { return nil }
    guard !isFormer else { return (JournalPosition(rawValue: position), position) }
    return number(fields[1]).map { (JournalPosition(rawValue: position), $0) }
  }

  /// `MICROSECONDS TAB PROCESS-ID TAB SOURCE TAB TEXT`; its time is its position.
  private static func decodeFormer(_ line: ArraySlice<UInt8>, unit: String, machineID: String) -> JournalRecord? {
    let fields = line.split(separator: tab, maxSplits: 3, omittingEmptySubsequences: false)
    guard fields.count == 4, let time = number(fields[0]) else { return nil }
    let identifier = text(fields[2])
    return JournalRecord(
      position: JournalPosition(rawValue: time),
      epochMicroseconds: time,
      machineID: machineID,
      unit: unit,
      stream: identifier == "coracle" ? .coracle : .output,
      processID: Int32(text(fields[1])),
      identifier: identifier,
      message: Array(fields[3])
    )
  }

  private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
    guard !field.isEmpty, field.count <= 19 else { return nil }
    var number: Int64 = 0
    for byte in field {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, isTooMuch) = tens.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
      guard !isTooLarge, !isTooMuch else { return nil }
      number = sum
    }
    return number
  }

  private static func text(_ field: ArraySlice<UInt8>) -> String { String(decoding: field, as: UTF8.self) }

  private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
    guard field.contains(backslash) else { return Array(field) }
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in field {
      if isEscaped {
        bytes.append(byte == UInt8(ascii: "n") ? newline : byte)
        isEscaped = false
      } else if byte == backslash {
        isEscaped = true
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter {
  private var rest: [UInt8] = []

  /// The lines that are complete with these bytes; one that is too long comes in pieces.
  mutating func take(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    for piece in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if piece.offset > 0 {
        lines.append(rest)
        rest = []
      }
      rest.append(contentsOf: piece.element)
      while rest.count > JournalCoding.messageLimitBytes {
        lines.append(Array(rest.prefix(JournalCoding.messageLimitBytes)))
        rest.removeFirst(JournalCoding.messageLimitBytes)
      }
    }
    return lines
  }

  /// What is left at the end of the stream.
  mutating func finish() -> [UInt8]? {
    defer { rest = [] }
    return rest.isEmpty ? nil : rest
  }
}
