// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import NIOCore
import Synchronization

/// The newest event as watchers get it, written once for all of them.
final class EventLines: Sendable {
  private let latest = Mutex<(event: Event, line: StreamPiece)?>(nil)

  /// The line for an event.
  func line(for event: Event) -> StreamPiece {
    latest.withLock { latest in
      if let latest, latest.event == event { return latest.line }
      let line = StreamPiece(ByteBuffer(bytes: KeysJSON.encode(event)))
      latest = (event, line)
      return line
    }
  }
}

/// A piece of a body with the chunk that it is in, so that many streams can share both.
struct StreamPiece: Sendable {
  let data: ByteBuffer
  let chunk: ByteBuffer

  init(_ data: ByteBuffer) {
    self.data = data
    var chunk = ByteBuffer()
    chunk.reserveCapacity(data.readableBytes + 16)
    ResponseEncoding.writeChunk(data, into: &chunk)
    self.chunk = chunk
  }
}
