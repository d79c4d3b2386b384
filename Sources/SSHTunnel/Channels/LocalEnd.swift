// SPDX-License-Identifier: Apache-2.0
import Glibc

/// This side's end of a stream of a channel: a socket, a terminal, a pipe or a file.
///
/// Only sockets are read and written without asking first, since other descriptors are shared with other programs and
/// are left as they block.
struct LocalEnd {
  let descriptor: Int32
  let isSocket: Bool
  /// Whether it was found ready since it was used last.
  var isReady = false

  /// What a pipe takes without blocking once it is ready.
  private static let pipeBytes = 4_096

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var status = stat()
    isSocket = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  enum Outcome: Equatable {
    case moved(Int)
    case wouldBlock
    /// The other end takes or gives no more.
    case ended
  }

  /// Reads into a buffer.
  mutating func read(into buffer: inout [UInt8]) -> Outcome {
    guard isSocket || isReady else { return .wouldBlock }
    isReady = false
    let descriptor = descriptor
    let isSocket = isSocket
    return Self.outcome {
      buffer.withUnsafeMutableBytes { bytes in
        isSocket
          ? recv(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
          : Glibc.read(descriptor, bytes.baseAddress, bytes.count)
      }
    }
  }

  /// Writes from a queue.
  mutating func write(from queue: inout ByteQueue) -> Outcome {
    guard isSocket || isReady else { return .wouldBlock }
    isReady = false
    var outcome = Outcome.wouldBlock
    queue.take { bytes in
      outcome = Self.outcome {
        isSocket
          ? send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
          : Glibc.write(descriptor, bytes.baseAddress, min(bytes.count, Self.pipeBytes))
      }
      if case .moved(let count) = outcome { return count }
      return 0
    }
    return outcome
  }

  private static func outcome(_ call: () -> Int) -> Outcome {
    let count = call()
    if count > 0 { return .moved(count) }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? .wouldBlock : .ended
  }
}
