// SPDX-License-Identifier: Apache-2.0

/// Takes apart what a container or command without a terminal writes: standard output and error in frames.
///
/// Shape: `[stream 0|1|2|3][0,0,0][length, 4 bytes, big-endian][bytes]`; with a terminal there are no frames. Logs have no
/// stream 3.
/// Source: Docker Engine API, "Attach to a container", stream format.
struct FrameSplitter {
  /// The longest frame; engines cut messages at 16 KiB.
  static let frameLimitBytes = 1024 * 1024

  private let isRaw: Bool
  private let lastStream: UInt8
  private let purpose: String
  private var pending: [UInt8] = []

  init(isRaw: Bool, lastStream: UInt8 = 3, purpose: String = "read output") {
    self.isRaw = isRaw
    self.lastStream = lastStream
    self.purpose = purpose
  }

  /// Takes the next bytes and returns what they bring, each piece with its stream.
  mutating func receive(_ bytes: [UInt8]) throws(DockerEngineError) -> [(stream: OutputStream, bytes: [UInt8])] {
    guard !isRaw else { return bytes.isEmpty ? [] : [(.standardOutput, bytes)] }
    pending += bytes
    var pieces: [(stream: OutputStream, bytes: [UInt8])] = []
    var start = 0
    while pending.count - start >= 8 {
      let length = pending[start + 4..<start + 8].reduce(0) { $0 << 8 | Int($1) }
      guard pending[start] <= lastStream, length <= Self.frameLimitBytes else {
        throw DockerEngineError(.badAnswer, "\(purpose): a frame of stream \(pending[start]) and \(length) bytes")
      }
      guard pending.count - start - 8 >= length else { break }
      let text = Array(pending[start + 8..<start + 8 + length])
      // Stream 3 is the engine's own complaint.
      pieces.append((pending[start] >= 2 ? .standardError : .standardOutput, text))
      start += 8 + length
    }
    pending.removeFirst(start)
    return pieces
  }
}
