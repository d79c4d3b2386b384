// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
public import Units

extension JournalRecord {
  /// The entry as a client receives it; a message that is not UTF-8 is also there byte by byte.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("cursor", position.description)
    fields.add("epochMicroseconds", epochMicroseconds)
    fields.add("identifier", identifier)
    fields.add("invocation", invocation)
    fields.add("level", Int64(level))
    fields.add("machineID", machineID)
    let text = text
    fields.add("message", text)
    if !text.utf8.elementsEqual(message) { fields.add("messageBytes", message.map { .integer(Int64($0)) }) }
    fields.add("processID", processID.map(Int64.init))
    fields.add("stream", stream.rawValue)
    fields.add("unit", unit)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no entry.
  public init?(json: JSONValue) {
    guard let position = JournalPosition(json.text("cursor")), let time = json["epochMicroseconds"]?.int64,
      let unit = json["unit"]?.string
    else { return nil }
    let bytes = json["messageBytes"]?.array?.compactMap { $0.int64.flatMap { UInt8(exactly: $0) } }
    self.init(
      position: position,
      epochMicroseconds: time,
      machineID: json.text("machineID"),
      unit: unit,
      invocation: json["invocation"]?.string,
      stream: Stream(rawValue: json.text("stream")) ?? .output,
      level: json["level"]?.int ?? 6,
      processID: json["processID"]?.int64.flatMap { Int32(exactly: $0) },
      identifier: json.text("identifier"),
      message: bytes ?? Array(json.text("message").utf8)
    )
  }
}

/// A line of an answer that is no entry: where reading goes on.
public struct JournalMark: Sendable, Equatable {
  /// Everything up to here has been told.
  public var cursor: JournalPosition
  /// Where the reading ends that this page is of.
  public var end: JournalPosition?
  /// Whether nothing more is there.
  public var isAtEnd: Bool

  /// Makes a mark.
  public init(cursor: JournalPosition, end: JournalPosition? = nil, isAtEnd: Bool) {
    self.cursor = cursor
    self.end = end
    self.isAtEnd = isAtEnd
  }

  /// The mark as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("end", end?.description)
    fields.add("isAtEnd", isAtEnd)
    fields.add("next", cursor.description)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no mark.
  public init?(json: JSONValue) {
    guard let cursor = JournalPosition(json.text("next")) else { return nil }
    self.init(cursor: cursor, end: JournalPosition(json.text("end")), isAtEnd: json["isAtEnd"]?.bool ?? false)
  }
}
