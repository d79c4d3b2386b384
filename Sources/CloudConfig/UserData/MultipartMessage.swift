// SPDX-License-Identifier: Apache-2.0

/// A MIME message that holds parts, taken apart at its boundary.
///
/// Source: RFC 2045, RFC 2046. Differs: lines may end with a line feed alone, as they do in user-data.
struct MultipartMessage {
  /// What stands between two boundaries.
  struct Part {
    var headers: MessageHeaders
    var body: ArraySlice<UInt8>
    /// The index of the line that the body starts on, in the message.
    var firstLine: Int
  }

  /// What is wrong with a message, and on which of its lines, counted from 0.
  struct Failure: Error, Equatable {
    var line: Int
    var message: String
  }

  private(set) var parts: [Part] = []

  /// Takes the lines of a message's body apart.
  init(_ lines: MessageLines, from start: Int, boundary: String) throws(Failure) {
    try split(lines, from: start, boundary: Array("--\(boundary)".utf8))
  }

  private mutating func split(_ lines: MessageLines, from start: Int, boundary: [UInt8]) throws(Failure) {
    var opened: Int?
    for index in min(start, lines.count)..<lines.count {
      guard let isLast = lines.isBoundary(index, boundary) else { continue }
      if let opened { try addPart(lines, from: opened + 1, to: index) }
      opened = index
      if isLast { return }
    }
    guard let opened else {
      throw Failure(line: max(0, start - 1), message: "the message has no part: no line is its boundary")
    }
    throw Failure(
      line: opened + 1,
      message: "the part that begins here is not closed by a boundary; is the end missing?"
    )
  }

  private mutating func addPart(_ lines: MessageLines, from start: Int, to end: Int) throws(Failure) {
    guard parts.count < UserDataLimits.parts else {
      throw Failure(line: start, message: "the message has more than \(UserDataLimits.parts) parts")
    }
    let headers = try MessageHeaders(lines, from: start, to: end)
    parts.append(Part(headers: headers, body: lines.bytes(from: headers.end, to: end), firstLine: headers.end))
  }
}

/// The lines of a message, without their ends.
struct MessageLines {
  private let bytes: [UInt8]
  private var starts: [Int] = [0]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    for (index, byte) in bytes.enumerated() where byte == 0x0a { starts.append(index + 1) }
  }

  var count: Int { starts.count }

  subscript(index: Int) -> ArraySlice<UInt8> {
    var end = index + 1 < starts.count ? starts[index + 1] - 1 : bytes.count
    if end > starts[index], bytes[end - 1] == 0x0d { end -= 1 }
    return bytes[starts[index]..<end]
  }

  /// Whether the first line is the one that mailboxes put before a message.
  var startsAsMailbox: Bool { bytes.starts(with: "From ".utf8) }

  /// The text of lines, the last without its end.
  func bytes(from start: Int, to end: Int) -> ArraySlice<UInt8> {
    guard start < end else { return [] }
    return bytes[starts[start]..<self[end - 1].endIndex]
  }

  /// Whether a line is a boundary and if so, whether it is the last.
  func isBoundary(_ index: Int, _ boundary: [UInt8]) -> Bool? {
    let line = self[index]
    guard line.starts(with: boundary) else { return nil }
    let rest = line.dropFirst(boundary.count)
    let isLast = rest.starts(with: "--".utf8)
    return rest.dropFirst(isLast ? 2 : 0).allSatisfy { $0 == 0x20 || $0 == 0x09 } ? isLast : nil
  }
}
