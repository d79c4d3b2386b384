// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A connection to a running ssh-agent; its calls block their thread.
final class SSHAgent {
  private let descriptor: Int32
  private let path: String

  /// Connects.
  ///
  /// - Throws: ``SSHError`` naming the socket.
  init(path: String) throws(SSHError) {
    self.path = path
    guard let descriptor = UnixSocket.connect(to: path) else {
      throw SSHError(.local, "cannot reach the ssh-agent at \(path) (SSH_AUTH_SOCK): \(SSHError.reason(errno))")
    }
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// The keys it holds.
  ///
  /// - Throws: ``SSHError`` naming the socket.
  func identities() throws(SSHError) -> [AgentIdentity] {
    guard let identities = AgentMessages.identities(try ask(AgentMessages.listRequest)) else {
      throw SSHError(.local, "the ssh-agent at \(path) does not list its keys")
    }
    return identities
  }

  /// Signs with one of its keys; it may ask its owner first, so this may take long.
  ///
  /// - Throws: ``SSHError`` when it refuses.
  func sign(_ data: [UInt8], key blob: [UInt8], flags: UInt32) throws(SSHError) -> (algorithm: String, bytes: [UInt8]) {
    let answer = try ask(AgentMessages.signRequest(key: blob, data: data, flags: flags))
    guard let signature = AgentMessages.signature(answer) else {
      throw SSHError(.local, "the ssh-agent at \(path) refuses to sign")
    }
    return signature
  }

  /// Sends a message and waits for the answer, both without their length.
  ///
  /// - Throws: ``SSHError`` naming the socket.
  func ask(_ message: [UInt8]) throws(SSHError) -> [UInt8] {
    var writer = SSHWriter()
    writer.string(message)
    guard FrameStream.write(writer.bytes, to: descriptor),
      let answer = FrameStream.read(from: descriptor, limit: AgentMessages.maximumBytes)
    else { throw SSHError(.local, "the ssh-agent at \(path) does not answer") }
    return answer
  }
}

/// Sockets with paths.
enum UnixSocket {
  /// A connected stream socket; nil with errno.
  static func connect(to path: String) -> Int32? {
    guard let descriptor = make() else { return nil }
    guard withAddress(path, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      let code = errno
      close(descriptor)
      errno = code
      return nil
    }
    return descriptor
  }

  /// A stream socket that listens at a path for its owner alone; nil with errno.
  static func listen(at path: String) -> Int32? {
    guard let descriptor = make() else { return nil }
    let bound = withAddress(path) { Glibc.bind(descriptor, $0, $1) }
    guard bound == 0, chmod(path, 0o600) == 0, Glibc.listen(descriptor, 16) == 0 else {
      let code = errno
      close(descriptor)
      errno = code
      return nil
    }
    return descriptor
  }

  /// Two sockets connected to each other.
  ///
  /// - Throws: ``SSHError`` when the system gives none.
  static func pair() throws(SSHError) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw SSHError(.local, "cannot make a pair of sockets: \(SSHError.reason(errno))")
    }
    return (ends[0], ends[1])
  }

  private static func make() -> Int32? {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    return descriptor >= 0 ? descriptor : nil
  }

  private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else {
      errno = ENAMETOOLONG
      return -1
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}

/// Messages with their length before them, on a descriptor that blocks.
enum FrameStream {
  /// Writes all bytes; false when the other end is gone.
  static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Reads a message, without its length; nil at the end, or when it is longer than `limit`.
  static func read(from descriptor: Int32, limit: Int) -> [UInt8]? {
    guard let head = readBytes(4, from: descriptor) else { return nil }
    var reader = SSHReader(head)
    guard let count = reader.number(), count <= limit else { return nil }
    return readBytes(Int(count), from: descriptor)
  }

  private static func readBytes(_ count: Int, from descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let more = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + filled, count - filled) }
      if more < 0 && errno == EINTR { continue }
      guard more > 0 else { return nil }
      filled += more
    }
    return bytes
  }
}
