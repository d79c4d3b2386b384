// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Connects to servers over TCP; its calls block their thread.
enum SocketOpener {
  /// Tries each address of a host until one is connected.
  ///
  /// - Throws: ``SSHError`` with the reason of the last one.
  static func connect(to address: SSHAddress, within timeout: Duration) throws(SSHError) -> Int32 {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(address.host, String(address.port), &hints, &list)
    guard code == 0 else {
      let reason = code == EAI_SYSTEM ? SSHError.reason(errno) : String(cString: gai_strerror(code)).lowercased()
      throw SSHError(.unreachable, "cannot look up \(address.host): \(reason)")
    }
    defer { freeaddrinfo(list) }
    let deadline = ContinuousClock.now + timeout
    var failure = SSHError(.unreachable, "\(address.host) has no address")
    var entry = list
    while let candidate = entry?.pointee {
      switch attempt(candidate, until: deadline) {
      case .connected(let descriptor):
        noticeDeadPeer(descriptor)
        return descriptor
      case .failed(let reason):
        failure = SSHError(
          .unreachable,
          "cannot connect to \(address): \(SSHError.reason(reason)); is sshd running there, on this port?"
        )
      case .late:
        let time = SSHLink.text(timeout)
        failure = SSHError(
          .timedOut,
          "cannot connect to \(address): no answer within \(time); is the host up? --ssh-timeout gives it longer"
        )
      }
      entry = candidate.ai_next
    }
    throw failure
  }

  private enum Attempt {
    case connected(Int32)
    case failed(Int32)
    case late
  }

  private static func attempt(_ candidate: addrinfo, until deadline: ContinuousClock.Instant) -> Attempt {
    let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(candidate.ai_family, candidate.ai_socktype | flags, candidate.ai_protocol)
    guard descriptor >= 0 else { return .failed(errno) }
    if Glibc.connect(descriptor, candidate.ai_addr, candidate.ai_addrlen) == 0 { return .connected(descriptor) }
    guard errno == EINPROGRESS else {
      let reason = errno
      close(descriptor)
      return .failed(reason)
    }
    while true {
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else {
        close(descriptor)
        return .late
      }
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&entry, 1, Int32(clamping: left.components.seconds * 1_000 + 50)) > 0 else { continue }
      var reason: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &reason, &size)
      if reason == 0 { return .connected(descriptor) }
      close(descriptor)
      return .failed(reason)
    }
  }

  /// A session may be silent for hours; only the kernel can tell that its server has lost power.
  private static func noticeDeadPeer(_ descriptor: Int32) {
    func set(_ level: Int32, _ name: Int32, _ value: Int32) {
      var value = value
      setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
    set(SOL_SOCKET, SO_KEEPALIVE, 1)
    set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 15)
    set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
    set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
  }
}
