// SPDX-License-Identifier: Apache-2.0

/// A file of lines with fields between colons, the first of which names what the line is about: `passwd`, `group` and
/// their shadows.
///
/// Shape: lines that are not touched keep their bytes, whatever they hold.
/// Source: passwd(5), group(5), shadow(5), gshadow(5).
struct AccountTable: Equatable {
  private var lines: [[UInt8]]

  init(_ bytes: [UInt8]) {
    lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    if lines.last?.isEmpty == true { lines.removeLast() }
  }

  var bytes: [UInt8] { Array(lines.map { $0 + [UInt8(ascii: "\n")] }.joined()) }

  /// The fields of every line that has some.
  var rows: [[String]] {
    lines.filter { !$0.isEmpty }.map { Self.fields($0).map { String(decoding: $0, as: UTF8.self) } }
  }

  func row(named name: String) -> [String]? {
    index(of: name).map { Self.fields(lines[$0]).map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Adds a line; before those that send the reader to another service (`+::`), which come last.
  mutating func append(_ fields: [String]) {
    let place = lines.firstIndex { $0.first == UInt8(ascii: "+") || $0.first == UInt8(ascii: "-") } ?? lines.endIndex
    lines.insert(Array(fields.joined(separator: ":").utf8), at: place)
  }

  mutating func remove(named name: String) {
    lines.removeAll { Self.fields($0).first.map { Array($0) } == Array(name.utf8) }
  }

  /// Changes one field of a line and leaves the others.
  mutating func set(_ field: Int, of name: String, to value: String) {
    guard let index = index(of: name) else { return }
    var fields = Self.fields(lines[index]).map(Array.init)
    while fields.count <= field { fields.append([]) }
    fields[field] = Array(value.utf8)
    lines[index] = Array(fields.joined(separator: [UInt8(ascii: ":")]))
  }

  private func index(of name: String) -> Int? {
    let wanted = Array(name.utf8)
    return lines.firstIndex { Self.fields($0).first.map { Array($0) } == wanted }
  }

  private static func fields(_ line: [UInt8]) -> [ArraySlice<UInt8>] {
    line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
  }
}
