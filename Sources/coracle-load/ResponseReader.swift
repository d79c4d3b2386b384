// SPDX-License-Identifier: Apache-2.0

/// Reads the answers of one connection, piece by piece, and keeps nothing of their bodies but the count of events.
struct ResponseReader {
  private enum State {
    case head
    case body(Int)
    case chunkSize
    case chunk(Int)
    case trailer
  }

  private var state = State.head
  private var line: [UInt8] = []
  private var length: Int?
  private var isChunked = false
  private var isFirstLine = true
  private var last: UInt8 = 0
  /// The status of the latest answer.
  private(set) var status = 0
  /// Lines that end an object: the events of a watch.
  private(set) var eventCount = 0

  /// Takes bytes in.
  ///
  /// - Returns: How many answers were completed by them.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
    var completed = 0
    var position = 0
    while position < bytes.count {
      switch state {
      case .body(let rest), .chunk(let rest):
        let count = min(rest, bytes.count - position)
        countEvents(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        position += count
        if case .body = state {
          state = .body(rest - count)
          if rest == count { completed += finish() }
        } else {
          // The line break behind a chunk is read as an empty size line.
          state = rest == count ? .chunkSize : .chunk(rest - count)
        }
      case .head, .chunkSize, .trailer:
        let byte = bytes[position]
        position += 1
        guard byte == 10 else {
          if byte != 13 { line.append(byte) }
          continue
        }
        completed += endLine()
        line.removeAll(keepingCapacity: true)
      }
    }
    return completed
  }

  private mutating func countEvents(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      if byte == 10, last == UInt8(ascii: "}") { eventCount += 1 }
      last = byte
    }
  }

  /// Takes a whole line; the result is 1 when it ended an answer.
  private mutating func endLine() -> Int {
    switch state {
    case .head:
      if line.isEmpty { return endHead() }
      readField()
    case .chunkSize:
      guard !line.isEmpty else { return 0 }
      let size = line.reduce(0) { $0 << 4 | Int($1 <= 57 ? $1 - 48 : ($1 | 32) - 87) }
      state = size == 0 ? .trailer : .chunk(size)
    case .trailer: if line.isEmpty { return finish() }
    case .body, .chunk: break
    }
    return 0
  }

  private mutating func readField() {
    if isFirstLine {
      isFirstLine = false
      status = Int(String(decoding: line.dropFirst(9).prefix(3), as: UTF8.self)) ?? 0
      return
    }
    // Only two fields matter, and only one of them can be at hand.
    switch line.first.map({ $0 | 32 }) {
    case UInt8(ascii: "c"):
      let text = String(decoding: line, as: UTF8.self).lowercased()
      if text.hasPrefix("content-length:") { length = Int(text.dropFirst(15).drop { $0 == " " }) }
    case UInt8(ascii: "t"):
      let text = String(decoding: line, as: UTF8.self).lowercased()
      if text.hasPrefix("transfer-encoding:") { isChunked = text.hasSuffix("chunked") }
    default: break
    }
  }

  private mutating func endHead() -> Int {
    if isChunked {
      state = .chunkSize
      return 0
    }
    guard let length, length > 0 else { return finish() }
    state = .body(length)
    return 0
  }

  private mutating func finish() -> Int {
    state = .head
    length = nil
    isChunked = false
    isFirstLine = true
    return 1
  }
}
