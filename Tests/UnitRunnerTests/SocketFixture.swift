// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

/// The other end of a connection to a socket unit.
final class SocketClient: Sendable {
  /// Nobody listens there.
  struct Refused: Error {
    var number: Int32
  }

  private struct Received {
    var bytes: [UInt8] = []
    var isAtEnd = false
  }

  private let descriptor: Int32
  private let received = Mutex(Received())

  /// Connects to a path.
  init(path: String) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    descriptor = try Self.connect(AF_UNIX, SOCK_STREAM, &address, MemoryLayout<sockaddr_un>.size)
  }

  /// Connects to a port of this machine.
  init(port: UInt16, isDatagram: Bool = false) throws {
    var address = Self.loopback(port)
    let type = isDatagram ? SOCK_DGRAM : SOCK_STREAM
    descriptor = try Self.connect(AF_INET, type, &address, MemoryLayout<sockaddr_in>.size)
  }

  deinit {
    close(descriptor)
  }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(Glibc.send(descriptor, bytes, bytes.count, Int32(Glibc.MSG_NOSIGNAL)) == bytes.count)
  }

  /// Everything that the other side sends until it closes the connection.
  func text() async throws -> String {
    try await eventually("the end of the connection", every: .milliseconds(5)) { read().isAtEnd }
    return String(decoding: read().bytes, as: UTF8.self)
  }

  private func read() -> Received {
    received.withLock { received in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while !received.isAtEnd {
        let count = recv(descriptor, &buffer, buffer.count, Int32(Glibc.MSG_DONTWAIT))
        if count > 0 {
          received.bytes += buffer[..<count]
        } else if count == 0 || errno != EAGAIN {
          received.isAtEnd = true
        } else {
          break
        }
      }
      return received
    }
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  private static func connect<Address>(
    _ family: Int32,
    _ type: __socket_type,
    _ address: inout Address,
    _ size: Int
  ) throws -> Int32 {
    let descriptor = socket(family, Int32(type.rawValue), 0)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, socklen_t(size)) }
    }
    guard result == 0 else {
      let number = errno
      close(descriptor)
      throw Refused(number: number)
    }
    return descriptor
  }

  /// A port that nobody has.
  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    try #require(isKnown)
    return UInt16(bigEndian: address.sin_port)
  }
}

/// A program that takes its sockets over, tells what they are, and answers every connection to the first one.
struct SocketService {
  /// Writes the program.
  init(_ directory: URL) throws {
    path = directory.appending(path: "serve.py").path
    try Self.program.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private let path: String

  /// The unit's text.
  ///
  /// - Parameters:
  ///   - settings: Further lines of `[Service]`.
  ///   - mode: What the program does: `serve`, or `once` to end after the first.
  /// - Returns: Its `[Service]` section.
  func unit(_ settings: String = "", _ mode: String = "serve") -> String {
    "[Service]\n\(settings)\nExecStart=/usr/bin/python3 \(path) \(mode)"
  }

  private static let program = """
    import os, socket, stat, sys
    own = os.environ.get("LISTEN_PID") == str(os.getpid())
    count = int(os.environ.get("LISTEN_FDS", "0"))
    kinds = [socket.socket(fileno=3 + i) if stat.S_ISSOCK(os.fstat(3 + i).st_mode) else None for i in range(count)]
    print("own" if own else "not own", os.environ.get("LISTEN_FDNAMES"),
          ",".join("fifo" if s is None else s.type.name for s in kinds), flush=True)
    for i in range(count + 3, 20):
        try:
            os.fstat(i)
            print("open", i, flush=True)
        except OSError:
            pass
    while True:
        first = kinds[0]
        if first is None:
            print("read", os.read(3, 100).decode(), flush=True)
        elif first.type == socket.SOCK_DGRAM:
            print("read", first.recv(100).decode(), flush=True)
        else:
            connection = first.accept()[0]
            connection.sendall(b"hello from %d" % os.getpid())
            connection.close()
        if sys.argv[1] == "once":
            break
    """
}
