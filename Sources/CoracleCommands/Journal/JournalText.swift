// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Units

/// Entries of journals as lines.
///
/// Source: journalctl(1), `--output`; systemd.journal-fields(7). Differs: where several units or machines may be meant, the
/// unit and the beginning of the machine's id stand where journalctl has the host's name.
struct JournalText {
  var style: JournalStyle
  /// Whether lines say whose they are.
  var namesSources: Bool
  var zone = TimeText.Zone.local

  func line(_ record: JournalRecord) -> String {
    let milliseconds = record.epochMicroseconds / 1_000
    switch style {
    case .cat: return record.text
    case .json: return Self.json(record).text
    case .short: return "\(TimeText.short(milliseconds, zone)) \(labelled(record))"
    case .shortISO: return "\(TimeText.iso(milliseconds, zone)) \(labelled(record))"
    }
  }

  private func labelled(_ record: JournalRecord) -> String {
    let source = namesSources ? "\(record.unit)[\(record.machineID.prefix(8))] " : ""
    return source + record.identifier + (record.processID.map { "[\($0)]" } ?? "") + ": \(record.text)"
  }

  /// journalctl's fields, which are all texts; a message that is not UTF-8 is a list of bytes.
  static func json(_ record: JournalRecord) -> JSONValue {
    let text = record.text
    let isText = text.utf8.elementsEqual(record.message)
    var fields: [JSONValue.Field] = [
      .init("__CURSOR", .string("\(record.machineID):\(record.position)")),
      .init("__REALTIME_TIMESTAMP", .string("\(record.epochMicroseconds)")),
      .init("_MACHINE_ID", .string(record.machineID)),
      .init("_SYSTEMD_UNIT", .string(record.unit)),
    ]
    if let invocation = record.invocation { fields.append(.init("_SYSTEMD_INVOCATION_ID", .string(invocation))) }
    fields += [
      .init("_TRANSPORT", .string(record.stream == .coracle ? "driver" : "stdout")),
      .init("PRIORITY", .string("\(record.level)")),
      .init("SYSLOG_IDENTIFIER", .string(record.identifier)),
    ]
    if let processID = record.processID { fields.append(.init("_PID", .string("\(processID)"))) }
    fields.append(
      .init("MESSAGE", isText ? .string(text) : .array(record.message.map { .integer(Int64($0)) }))
    )
    return .object(fields)
  }
}
