// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a connection is of no more use.
public struct ConnectionFailure: Error, CustomStringConvertible {
  /// What was being done.
  public let description: String
}

/// One TCP connection to an HTTP server, byte by byte, so that what is no request can be sent too.
///
/// Shape: blocking, with a time limit for each read; one thread uses it.
public final class RawConnection {
  private let descriptor: CInt
  private var buffer: [UInt8] = []
  private var start = 0
  private var piece = [UInt8](repeating: 0, count: 65_536)
  /// Whether the server has closed its side.
  public private(set) var isClosed = false

  /// Connects to an IPv4 address.
  ///
  /// - Throws: ``ConnectionFailure`` when nobody listens there.
  public init(host: String, port: UInt16) throws(ConnectionFailure) {
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ConnectionFailure(description: "open a socket") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      close(descriptor)
      throw ConnectionFailure(description: "connect to \(host):\(port): error \(errno)")
    }
    var one: CInt = 1
    setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
  }

  deinit {
    close(descriptor)
  }

  /// Sends bytes; a server that has closed takes them without a word, as the answer will show.
  public func send(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard sent > 0 else { return }
      rest.removeFirst(sent)
    }
  }

  /// Closes the sending side.
  public func finishSending() {
    shutdown(descriptor, CInt(SHUT_WR))
  }

  /// Takes a line without its end; nil when none came in time.
  public func line(by deadline: ContinuousClock.Instant) -> String? {
    var scanned = start
    while true {
      if let end = buffer[scanned...].firstIndex(of: 10) {
        var line = buffer[start..<end]
        if line.last == 13 { line.removeLast() }
        start = end + 1
        return String(decoding: line, as: UTF8.self)
      }
      scanned = buffer.count
      let before = start
      guard fill(by: deadline) else { return nil }
      scanned -= before - start
    }
  }

  /// Takes a number of bytes; nil when they did not come in time.
  func bytes(_ count: Int, by deadline: ContinuousClock.Instant) -> [UInt8]? {
    while buffer.count - start < count {
      guard fill(by: deadline) else { return nil }
    }
    defer { start += count }
    return Array(buffer[start..<start + count])
  }

  /// Takes everything until the server closes.
  public func rest(by deadline: ContinuousClock.Instant) -> [UInt8] {
    while fill(by: deadline) {}
    defer { start = buffer.count }
    return Array(buffer[start...])
  }

  /// Whether something can be read at once.
  var hasUnread: Bool { start < buffer.count || fill(by: .now) && start < buffer.count }

  /// Waits for more bytes; false when none came in time or none will.
  private func fill(by deadline: ContinuousClock.Instant) -> Bool {
    guard !isClosed else { return false }
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: true)
      start = 0
    }
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let left = max(.zero, deadline - .now)
    let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000
    guard poll(&event, 1, CInt(clamping: milliseconds)) > 0 else { return false }
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 { buffer += piece[..<count] } else { isClosed = true }
    return count > 0
  }
}
