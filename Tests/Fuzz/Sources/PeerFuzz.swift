// SPDX-License-Identifier: Apache-2.0
import NIOCore

@testable import EtcdStore
@testable import Raft
@testable import RaftTransport

/// What peers send and files hold: refused, or read back the same.
enum PeerFuzz {
  /// A stream of frames; its pieces end where a byte 0x0A stands.
  static func feedFrames(_ bytes: [UInt8]) {
    let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder())
    do {
      for piece in bytes.split(separator: 0x0A) {
        try processor.process(buffer: ByteBuffer(bytes: piece)) { feedMessage(Array($0.readableBytesView)) }
        precondition(processor.unprocessedBytes <= Frame.maximumPayloadBytes + Frame.headerBytes, "one frame is held")
      }
      try processor.finishProcessing(seenEOF: true) { feedMessage(Array($0.readableBytesView)) }
    } catch {}
    // The same as one payload with a checksum that fits, so that what is behind it is reached.
    guard !bytes.isEmpty, bytes.count <= Frame.maximumPayloadBytes else { return }
    var framed = ByteBuffer()
    Frame.write(to: &framed) { $0.writeBytes(bytes) }
    var decoder = FrameDecoder()
    let payload = try? decoder.decode(buffer: &framed)
    precondition(payload.map { Array($0.readableBytesView) } == bytes, "a frame comes out as it went in")
  }

  /// A payload, taken for each thing that has a form of its own.
  static func feedMessage(_ bytes: [UInt8]) {
    if let message = try? Message(decoding: bytes) {
      precondition(message.encoded() == bytes, "a message is read as it was written")
      precondition(message.approximateBytes <= 64 + 64 * bytes.count, "a message takes no more than its bytes")
    }
    if let entry = try? Entry(decoding: bytes) { precondition(entry.encoded() == bytes, "so is an entry") }
    if let read = try? Configuration(decoding: bytes) { precondition(read.encoded() == bytes, "so is a configuration") }
    if let read = try? ConfigurationRecord(decoding: bytes) {
      precondition(read.encoded() == bytes, "so is its record")
    }
    if let read = try? SnapshotMetadata(decoding: bytes) { precondition(read.encoded() == bytes, "so is a snapshot's") }
  }

  /// A command of the log.
  static func feedCommand(_ bytes: [UInt8]) {
    guard let command = try? StoreCommand(decoding: bytes) else { return }
    precondition((try? StoreCommand(decoding: command.encoded())) == command, "a command is read as it was written")
    var store = Store(historyCapacity: 10)
    _ = store.apply(command, at: Timestamp(nanosecondsSinceEpoch: 1))
  }

  /// A snapshot, and one whose checksums fit, so that what is behind them is reached.
  static func feedSnapshot(_ bytes: [UInt8]) {
    _ = try? Store(decodingSnapshot: bytes)
    let checksum = ContentHash.of(bytes)
    var hash = ContentHash()
    hash.add(checksum)
    let framed: [UInt8] =
      Store.snapshotMagic + [Store.snapshotFormat] + SnapshotFrames.header(of: bytes.count, checksum: checksum) + bytes
      + SnapshotFrames.header(of: 0, checksum: hash.value)
    guard var store = try? Store(decodingSnapshot: framed) else { return }
    precondition((try? Store(decodingSnapshot: store.encodeSnapshot()))?.stateHash == store.stateHash, "it is sound")
    _ = store.apply(.expire(through: Timestamp(nanosecondsSinceEpoch: .max)), at: Timestamp(nanosecondsSinceEpoch: 0))
  }
}
