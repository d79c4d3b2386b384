// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import FoundationEssentials
import Glibc

/// A stream socket that carries messages, each a length of four bytes (big endian) and that many bytes of JSON.
///
/// Concurrency: used by one thread; never blocks.
final class FrameConnection {
  /// The longest message, in bytes; more than the kernel allows for a program's arguments and environment.
  static let frameLimitBytes = 8 << 20
  /// How much may wait to be sent before the other side counts as gone.
  static let outboundLimitBytes = 64 << 20

  let descriptor: Int32
  private var inbound: [UInt8] = []
  private var outbound: [UInt8] = []
  private var sent = 0
  private(set) var isBroken = false
  private let encoder = JSONEncoder()
  private let decoder = JSONDecoder()

  /// Takes over a connected socket.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    makeNonBlocking(descriptor)
  }

  deinit {
    close(descriptor)
  }

  /// Whether something waits to be sent.
  var hasOutbound: Bool { sent < outbound.count && !isBroken }

  /// Queues a message; ``flush()`` sends it.
  func send(_ message: some Encodable) {
    guard !isBroken else { return }
    guard let data = try? encoder.encode(message), data.count <= Self.frameLimitBytes,
      outbound.count - sent + data.count <= Self.outboundLimitBytes
    else {
      isBroken = true
      return
    }
    let length = UInt32(data.count)
    outbound.append(contentsOf: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) })
    outbound.append(contentsOf: data)
  }

  /// Sends as much as the socket takes.
  func flush() {
    while hasOutbound {
      let count = outbound[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(Glibc.MSG_NOSIGNAL))
      }
      if count > 0 {
        sent += count
      } else if errno != EINTR {
        if errno != EAGAIN { isBroken = true }
        break
      }
    }
    if sent == outbound.count {
      outbound.removeAll(keepingCapacity: outbound.capacity <= 1 << 20)
      sent = 0
    } else if sent > 1 << 20 {
      outbound.removeFirst(sent)
      sent = 0
    }
  }

  /// Reads what has arrived and returns the complete messages.
  ///
  /// The connection is broken afterwards when the other side has closed it or sent what is no message.
  func receive<Message: Decodable>(_ type: Message.Type) -> [Message] {
    readAvailable()
    var messages: [Message] = []
    var start = 0
    while inbound.count - start >= 4 {
      let length = inbound[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
      guard length <= Self.frameLimitBytes else {
        isBroken = true
        break
      }
      guard inbound.count - start - 4 >= length else { break }
      let body = Data(inbound[(start + 4)..<(start + 4 + length)])
      start += 4 + length
      guard let message = try? decoder.decode(type, from: body) else {
        isBroken = true
        break
      }
      messages.append(message)
    }
    inbound.removeFirst(start)
    return messages
  }

  private func readAvailable() {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while !isBroken, inbound.count < Self.frameLimitBytes + (64 << 10) {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        inbound.append(contentsOf: buffer[..<count])
        if count < buffer.count { return }
      } else if count == 0 {
        isBroken = true
      } else if errno != EINTR {
        if errno != EAGAIN { isBroken = true }
        return
      }
    }
  }
}

/// Lets reads and writes return at once.
func makeNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}

/// A unix socket at a path of any length: the kernel only takes 107 bytes, so the directory is gone through by number.
enum LocalSocket {
  /// Listens at `directory/name`; -1 with errno when that cannot be.
  static func listen(directory: String, name: String) -> Int32 {
    withAddress(directory, name) { address, length in
      _ = unlink("\(directory)/\(name)")
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { return -1 }
      guard bind(descriptor, address, length) == 0, chmod("\(directory)/\(name)", 0o600) == 0,
        Glibc.listen(descriptor, 16) == 0
      else {
        close(descriptor)
        return -1
      }
      return descriptor
    }
  }

  /// Connects to `directory/name`; -1 with errno when that cannot be.
  static func connect(directory: String, name: String) -> Int32 {
    withAddress(directory, name) { address, length in
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { return -1 }
      guard Glibc.connect(descriptor, address, length) == 0 else {
        close(descriptor)
        return -1
      }
      return descriptor
    }
  }

  /// Binds a socket for messages to a path, or with `@` to a name without a file; everybody may send to it; -1 with errno.
  static func receive(at path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return -1
    }
    let isAbstract = bytes.first == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 } else { _ = unlink(path) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return -1 }
    let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0 + bytes.count } ?? 0
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, isAbstract ? socklen_t(length) : socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    guard isBound, isAbstract || chmod(path, 0o666) == 0, unit_tell_senders(descriptor) == 0 else {
      close(descriptor)
      return -1
    }
    return descriptor
  }

  private static func withAddress(
    _ directory: String,
    _ name: String,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return -1 }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array("/proc/self/fd/\(descriptor)/\(name)".utf8)
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
      errno = ENAMETOOLONG
      return -1
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
