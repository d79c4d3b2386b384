// SPDX-License-Identifier: Apache-2.0
import CLibSSH2
import Glibc

/// A session of the library over a socket.
///
/// What the library sends is queued here, so that no call of it stops in the middle of a packet: then no other channel
/// could send before that one went on. Only waiting for the server makes its calls return "again".
/// Concurrency: used by one thread.
final class SSHLink {
  let address: SSHAddress
  let handle: OpaquePointer
  private(set) var socket: Int32
  /// Whether bytes have arrived since it was last set to false.
  var hasReceived = false
  private var outgoing = ByteQueue()
  private var brokenBy: String?
  private var hasEnded = false

  /// How much may wait to be sent before channels are given no more.
  private static let fullBytes = 256 * 1024

  /// The library's only global state, set up once.
  private static let isReady = libssh2_init(0) == 0

  /// Takes a connected socket, which is closed with the link.
  ///
  /// - Throws: ``SSHError`` when the library gives no session.
  init(socket: Int32, address: SSHAddress) throws(SSHError) {
    guard Self.isReady, let handle = libssh2_session_init_ex(nil, nil, nil, nil) else {
      close(socket)
      throw SSHError(.protocolFailure, "libssh2 gives no session")
    }
    self.socket = socket
    self.address = address
    self.handle = handle
    _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
    libssh2_session_set_blocking(handle, 0)
    libssh2_session_abstract(handle).pointee = Unmanaged.passUnretained(self).toOpaque()
    coracle_ssh_set_transport(handle, Self.send, Self.receive)
  }

  deinit {
    precondition(hasEnded, "a link is ended before it is let go")
  }

  /// Says goodbye, and gives socket and session back; nothing may be called afterwards.
  func end() {
    guard !hasEnded else { return }
    if brokenBy == nil {
      libssh2_session_disconnect_ex(handle, 11, "done", "")
      flush()
    }
    brokenBy = brokenBy ?? "it was closed"
    close(socket)
    socket = -1
    // Without a socket the library waits for nobody, but it takes a call for each thing that it was about to send.
    for _ in 0..<100 where libssh2_session_free(handle) != LIBSSH2_ERROR_EAGAIN { break }
    hasEnded = true
  }

  /// Notes that the other side has gone, when nobody reads from the socket.
  func noteHangUp() {
    brokenBy = brokenBy ?? "closed by the other side"
  }

  /// Why nothing more can be sent or received; nil while it can.
  var failure: SSHError? {
    brokenBy.map { SSHError(.closed, "the connection to \(address) has ended: \($0)") }
  }

  /// Whether bytes wait to be sent.
  var hasOutgoing: Bool { !outgoing.isEmpty }

  /// Whether so much waits that channels should hold back.
  var isFull: Bool { outgoing.count >= Self.fullBytes }

  /// Sends what waits, as far as the socket takes it.
  func flush() {
    while !outgoing.isEmpty, brokenBy == nil {
      var count = 0
      outgoing.take { bytes in
        count = Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        return max(0, count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        if errno != EAGAIN { brokenBy = SSHError.reason(errno) }
        return
      }
    }
  }

  /// Calls a function of the library until it is done, waiting for the server in between.
  ///
  /// - Parameters:
  ///   - doing: What the server is waited for, for the error.
  ///   - timeout: How long to wait at most.
  ///   - body: The call; returns the library's code.
  /// - Returns: The code that is not "again".
  /// - Throws: ``SSHError`` when the time is over or the connection ends.
  func drive(_ doing: String, within timeout: Duration, _ body: () -> Int32) throws(SSHError) -> Int32 {
    let deadline = ContinuousClock.now + timeout
    while true {
      let code = body()
      flush()
      guard code == LIBSSH2_ERROR_EAGAIN else { return code }
      if let failure { throw failure }
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else {
        throw SSHError(
          .timedOut,
          "\(address) does not answer while \(doing): gave up after \(Self.text(timeout)); --ssh-timeout gives it longer"
        )
      }
      var entry = pollfd(fd: socket, events: Int16(hasOutgoing ? POLLIN | POLLOUT : POLLIN), revents: 0)
      poll(&entry, 1, Int32(clamping: left.components.seconds * 1_000 + 50))
    }
  }

  /// The library's words for what went wrong last.
  var lastMessage: String {
    var text: UnsafeMutablePointer<CChar>?
    libssh2_session_last_error(handle, &text, nil, 0)
    return text.map { String(cString: $0) } ?? "unknown error"
  }

  /// The library's number of what went wrong last.
  var lastCode: Int32 { libssh2_session_last_errno(handle) }

  /// A span of time as a person writes it.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    return attoseconds == 0 ? "\(seconds)s" : "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms"
  }

  // MARK: The library's socket

  private static func link(_ abstract: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> SSHLink? {
    guard let pointer = abstract?.pointee else { return nil }
    return Unmanaged<SSHLink>.fromOpaque(pointer).takeUnretainedValue()
  }

  private static let send: coracle_ssh_send = { _, bytes, count, _, abstract in
    guard let link = link(abstract) else { return -Int(EBADF) }
    link.outgoing.append(UnsafeRawBufferPointer(start: bytes, count: count))
    return count
  }

  private static let receive: coracle_ssh_receive = { _, bytes, count, _, abstract in
    guard let link = link(abstract) else { return -Int(EBADF) }
    // What the server waits for must leave before it is waited for.
    link.flush()
    while true {
      let received = recv(link.socket, bytes, count, 0)
      if received < 0 && errno == EINTR { continue }
      if received > 0 {
        link.hasReceived = true
        return received
      }
      if received == 0 {
        link.brokenBy = link.brokenBy ?? "closed by the other side"
        return 0
      }
      if errno != EAGAIN { link.brokenBy = link.brokenBy ?? SSHError.reason(errno) }
      return -Int(errno)
    }
  }
}
