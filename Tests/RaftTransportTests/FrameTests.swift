// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Raft
import TestKit
import Testing

@testable import RaftTransport

@Suite struct FrameTests {
  @Test func `the checksum is Castagnoli's`() {
    func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }
    #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(checksum([]) == 0)
    // RFC 3720, B.4.
    #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
  }

  private func frame(_ payload: [UInt8]) -> ByteBuffer {
    var buffer = ByteBuffer()
    Frame.write(to: &buffer) { $0.writeBytes(payload) }
    return buffer
  }

  @Test func `frames come out as they went in, however they are cut`() throws {
    var generator = SeededGenerator(seed: 1)
    var stream = ByteBuffer()
    var sent: [[UInt8]] = []
    for _ in 0..<50 {
      let payload = (0..<Int.random(in: 1...200, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      sent.append(payload)
      Frame.write(to: &stream) { $0.writeBytes(payload) }
    }
    var decoder = FrameDecoder()
    var pending = ByteBuffer()
    var received: [[UInt8]] = []
    while stream.readableBytes > 0 {
      let count = min(stream.readableBytes, Int.random(in: 1...300, using: &generator))
      if var piece = stream.readSlice(length: count) { pending.writeBuffer(&piece) }
      while let payload = try decoder.decode(buffer: &pending) { received.append(Array(payload.readableBytesView)) }
    }
    #expect(received == sent)
  }

  @Test func `one wrong bit anywhere in the payload or checksum is found`() throws {
    let pristine = frame(Array("a heartbeat".utf8))
    for position in 4..<pristine.readableBytes {
      for bit in 0..<8 {
        var broken = pristine
        let byte = try #require(broken.getInteger(at: position, as: UInt8.self))
        broken.setInteger(byte ^ (1 << bit), at: position)
        var decoder = FrameDecoder()
        #expect(throws: FrameError.badChecksum) { try decoder.decode(buffer: &broken) }
      }
    }
  }

  @Test func `impossible lengths are refused before anything is awaited`() {
    for length in [0, UInt32(Frame.maximumPayloadBytes) + 1, .max] {
      var buffer = ByteBuffer()
      buffer.writeInteger(length)
      var decoder = FrameDecoder()
      #expect(throws: FrameError.badLength(length)) { try decoder.decode(buffer: &buffer) }
    }
  }

  @Test func `a stream that ends inside a frame says so`() throws {
    var cut = frame([1, 2, 3])
    cut.moveWriterIndex(to: cut.writerIndex - 1)
    var decoder = FrameDecoder()
    #expect(try decoder.decode(buffer: &cut) == nil)
    #expect(throws: FrameError.cutShort) { try decoder.decodeLast(buffer: &cut, seenEOF: true) }
    var empty = ByteBuffer()
    #expect(try decoder.decodeLast(buffer: &empty, seenEOF: true) == nil)
  }

  @Test(arguments: 1...200 as ClosedRange<UInt64>)
  func `random bytes never make a message nor a crash`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var buffer = ByteBuffer()
    for _ in 0..<Int.random(in: 0...400, using: &generator) {
      buffer.writeInteger(UInt8.random(in: 0...255, using: &generator))
    }
    // Half of them with a length that fits, so that the checksum has to find it.
    if seed.isMultiple(of: 2), buffer.readableBytes > 8 {
      buffer.setInteger(UInt32(buffer.readableBytes - 8), at: 0)
    }
    var decoder = FrameDecoder()
    #expect((try? decoder.decode(buffer: &buffer)) ?? nil == nil)
  }

  @Test(arguments: 1...200 as ClosedRange<UInt64>)
  func `a well framed payload of random bytes is refused or a message, never a crash`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let entry = Entry(term: Term(1), index: LogIndex(2), kind: .command, timestampNanoseconds: 3, data: [4, 5])
    let request = AppendRequest(
      previousIndex: LogIndex(1),
      previousTerm: Term(1),
      entries: [entry],
      commitIndex: LogIndex(1)
    )
    var payload = Message(from: MemberID(1), to: MemberID(2), term: Term(3), body: .append(request)).encoded()
    for _ in 0..<3 {
      payload[Int.random(in: payload.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
    }
    payload.removeLast(Int.random(in: 0...3, using: &generator))
    if let message = try? Message(decoding: payload) { #expect(message.encoded() == payload) }
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func `a damaged stream, cut anywhere, gives the frames before the damage and an error, and holds one`(
    _ seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    var stream = ByteBuffer()
    var payloads: [[UInt8]] = []
    for _ in 0..<8 {
      let count = Int.random(in: 1...3_000, using: &generator)
      let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      payloads.append(payload)
      Frame.write(to: &stream) { $0.writeBytes(payload) }
    }
    var bytes = Array(stream.readableBytesView)
    let damaged = Int.random(in: bytes.indices, using: &generator)
    bytes[damaged] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder())
    var seen: [[UInt8]] = []
    var start = 0
    do {
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...700, using: &generator))
        try processor.process(buffer: ByteBuffer(bytes: bytes[start..<end])) {
          seen.append(Array($0.readableBytesView))
        }
        #expect(processor.unprocessedBytes <= Frame.maximumPayloadBytes + Frame.headerBytes)
        start = end
      }
      try processor.finishProcessing(seenEOF: true) { seen.append(Array($0.readableBytesView)) }
      Issue.record("seed \(seed): the damage at \(damaged) went unnoticed")
    } catch is FrameError {}
    var frameEnd = 0
    let wholeFrames = payloads.prefix { payload in
      frameEnd += Frame.headerBytes + payload.count
      return frameEnd <= damaged
    }
    #expect(seen == Array(wholeFrames))
  }
}
