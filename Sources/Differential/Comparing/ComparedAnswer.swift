// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// An answer in the form in which two servers' answers are compared: indexes, ids and times mapped.
///
/// Shape: ``lines`` hold everything but times, which stand apart in their order, since they can only be close. What is
/// the server's own business is left out: `Date`, whether a body is chunked, the length of a body that has indexes.
struct ComparedAnswer: Sendable, Equatable {
  /// Status, header fields, body, one fact a line.
  var lines: [String] = []
  /// Expirations in nanoseconds, and seconds left, in the order of the body.
  var times: [Int64] = []
  /// The JSON body as it was mapped; nil when it is none.
  var json: JSONValue?
  /// The escapes of the JSON text, in order of appearance in a sorted list.
  var escapes: [String] = []

  /// The furthest that two servers' times may lie apart: requests reach them one after the other.
  static let toleranceNanoseconds: Int64 = 3_000_000_000

  /// Maps an answer.
  ///
  /// - Parameters:
  ///   - answer: The answer as it came.
  ///   - server: Whose it is.
  ///   - isSorted: Whether the order of listings counts.
  ///   - isHead: Whether it answers HEAD, whose length is that of a body with other indexes.
  init(_ answer: RawAnswer, of server: ServerFacts, isSorted: Bool, isHead: Bool) {
    lines.append("status \(answer.status)\(answer.isWhole ? "" : " cut off")")
    for name in Self.comparedFields {
      for field in answer.headers where field.name == name { lines.append("\(name): \(server.mapped(field.value))") }
    }
    for name in ["x-etcd-cluster-id", "x-raft-index", "x-raft-term"] where answer[name] != nil { lines.append(name) }
    if let index = answer["x-etcd-index"] { lines.append("x-etcd-index: \(server.mappedIndex(index))") }
    lines.append("interim \(answer.interimCount)")
    guard !isHead else { return }
    if answer.status < 500, answer["content-type"]?.hasPrefix("application/json") == true,
      let value = try? JSONValue.parse(answer.body)
    {
      let mapped = map(value, server, isSorted: isSorted)
      json = mapped
      lines.append(mapped.text)
      lines.append(answer.body.last == 10 ? "ends with a line feed" : "ends without a line feed")
      escapes = Self.escapes(in: answer.text)
    } else {
      lines.append("body \(server.mapped(answer.text).debugDescription)")
    }
  }

  private static let comparedFields = [
    "content-type", "location", "allow", "x-content-type-options", "connection", "access-control-allow-methods",
    "access-control-allow-origin", "access-control-allow-headers",
  ]

  /// Maps a JSON value field by field.
  private mutating func map(_ value: JSONValue, _ server: ServerFacts, isSorted: Bool) -> JSONValue {
    switch value {
    case .null, .bool, .integer, .number: return value
    case .string(let text): return .string(server.mapped(text))
    case .array(let elements): return .array(elements.map { map($0, server, isSorted: isSorted) })
    case .object(let fields):
      return .object(
        fields.map { field in
          JSONValue.Field(server.mapped(field.name), map(field.value, named: field.name, server, isSorted: isSorted))
        }
      )
    }
  }

  private mutating func map(
    _ value: JSONValue,
    named name: String,
    _ server: ServerFacts,
    isSorted: Bool
  ) -> JSONValue {
    switch (name, value) {
    case ("modifiedIndex", .integer(let index)), ("createdIndex", .integer(let index)), ("index", .integer(let index)):
      return .integer(server.mapped(index))
    case ("key", .string(let key)): return .string(server.mappedKey(key))
    case ("cause", .string(let cause)): return .string(server.mappedCause(cause))
    case ("expiration", .string(let text)):
      guard let time = Timestamp(rfc3339: text) else { return value }
      times.append(time.nanosecondsSinceEpoch)
      return "a time"
    case ("ttl", .integer(let seconds)):
      times.append(seconds * 1_000_000_000)
      return "seconds"
    case ("uptime", _), ("startTime", _): return "a time"
    case ("nodes", .array(let nodes)):
      // The order of what is not sorted is nobody's promise.
      let ordered =
        isSorted
        ? nodes
        : nodes.sorted { ($0["key"]?.string ?? "").utf8.lexicographicallyPrecedes(($1["key"]?.string ?? "").utf8) }
      return .array(ordered.map { map($0, server, isSorted: isSorted) })
    default: return map(value, server, isSorted: isSorted)
    }
  }

  /// Whether nothing but times differs, and those by little.
  func agrees(with other: ComparedAnswer) -> Bool {
    lines == other.lines && escapes == other.escapes && timesAgree(with: other)
  }

  func timesAgree(with other: ComparedAnswer) -> Bool {
    times.count == other.times.count
      && zip(times, other.times).allSatisfy { abs($0 &- $1) <= Self.toleranceNanoseconds }
  }

  /// The backslash escapes of a JSON text, sorted, so that the order of listings has no part in it.
  private static func escapes(in text: String) -> [String] {
    var found: [String] = []
    var rest = text.utf8[...]
    while let mark = rest.firstIndex(of: UInt8(ascii: "\\")) {
      let length = rest[rest.index(after: mark)...].first == UInt8(ascii: "u") ? 6 : 2
      let escape = rest[mark...].prefix(length)
      found.append(String(Substring(escape)))
      rest = rest[escape.endIndex...]
    }
    return found.sorted()
  }
}
