// SPDX-License-Identifier: Apache-2.0

/// Turns the bytes of a container's log, asked for with timestamps, into lines.
///
/// Shape: without a terminal, frames `[stream 0|1|2][0,0,0][length, 4 bytes, big-endian][bytes]`, each one message
/// that begins with its timestamp and ends with a newline unless it is a piece of a longer line. With a terminal, raw
/// lines that begin with their timestamp.
/// Source: Docker Engine API, "Attach to a container", stream format; specs/docker-driver.md §6.
struct LogDecoder {
  private let isRaw: Bool
  private var frames = FrameSplitter(isRaw: false, lastStream: 2, purpose: "read a log")
  /// With a terminal: the bytes of a line that is not complete.
  private var pending: [UInt8] = []
  private var lines: [OutputStream: PartialLine] = [:]

  private struct PartialLine {
    var bytes: [UInt8] = []
    var position: LogPosition?
  }

  init(isRaw: Bool) {
    self.isRaw = isRaw
  }

  /// Takes the next bytes and returns the lines they complete, in order.
  mutating func receive(_ bytes: some Sequence<UInt8>) throws(DockerEngineError) -> [OutputLine] {
    var complete: [OutputLine] = []
    if isRaw {
      pending.append(contentsOf: bytes)
      receiveRaw(into: &complete)
    } else {
      for piece in try frames.receive(Array(bytes)) { message(piece.bytes[...], on: piece.stream, into: &complete) }
    }
    return complete
  }

  /// Returns what is left when the stream has ended: lines without a newline.
  mutating func finish() -> [OutputLine] {
    var left: [OutputLine] = []
    if isRaw, !pending.isEmpty {
      left.append(Self.rawLine(pending[...]))
      pending = []
    }
    for stream in [OutputStream.standardOutput, .standardError] {
      guard let line = lines.removeValue(forKey: stream), !line.bytes.isEmpty else { continue }
      left.append(OutputLine(stream: stream, bytes: line.bytes, position: line.position))
    }
    return left
  }

  private mutating func receiveRaw(into complete: inout [OutputLine]) {
    var start = 0
    while start < pending.count {
      // Room for the timestamp before a line of the longest allowed length.
      let limit = min(pending.count, start + OutputLine.limitBytes + 64)
      if let newline = pending[start..<limit].firstIndex(of: UInt8(ascii: "\n")) {
        complete.append(Self.rawLine(pending[start..<newline]))
        start = newline + 1
      } else if limit < pending.count {
        complete.append(Self.rawLine(pending[start..<limit]))
        start = limit
      } else {
        break
      }
    }
    pending.removeFirst(start)
  }

  private static func rawLine(_ bytes: ArraySlice<UInt8>) -> OutputLine {
    var (position, text) = timestamped(bytes)
    if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
    return OutputLine(stream: .standardOutput, bytes: Array(text), position: position)
  }

  private mutating func message(_ bytes: ArraySlice<UInt8>, on stream: OutputStream, into complete: inout [OutputLine])
  {
    var (position, text) = Self.timestamped(bytes)
    var line = lines.removeValue(forKey: stream) ?? PartialLine()
    line.position = position ?? line.position
    while let newline = text.firstIndex(of: UInt8(ascii: "\n")) {
      line.bytes.append(contentsOf: text[..<newline])
      complete.append(OutputLine(stream: stream, bytes: line.bytes, position: line.position))
      line.bytes = []
      text = text[(newline + 1)...]
    }
    line.bytes.append(contentsOf: text)
    while line.bytes.count >= OutputLine.limitBytes {
      let piece = Array(line.bytes.prefix(OutputLine.limitBytes))
      complete.append(OutputLine(stream: stream, bytes: piece, position: line.position))
      line.bytes.removeFirst(OutputLine.limitBytes)
    }
    if !line.bytes.isEmpty { lines[stream] = line }
  }

  /// Splits `2026-11-20T22:54:33.784380072Z text`; without a timestamp everything is text.
  private static func timestamped(_ bytes: ArraySlice<UInt8>) -> (LogPosition?, ArraySlice<UInt8>) {
    guard let space = bytes.prefix(40).firstIndex(of: UInt8(ascii: " ")),
      let time = EngineTime.nanosecondsSinceEpoch(String(decoding: bytes[..<space], as: UTF8.self))
    else { return (nil, bytes) }
    return (LogPosition(nanosecondsSinceEpoch: time), bytes[(space + 1)...])
  }
}
