// SPDX-License-Identifier: Apache-2.0
import CEpoll
import Glibc

/// Where a server listens.
struct ServerAddress {
  private var address = sockaddr_in()

  /// Reads `IPV4:PORT`.
  init?(_ text: String) {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, String(parts[0]), &address.sin_addr) == 1 else { return nil }
  }

  /// A connected socket that does not block; nil when the server does not take it.
  func connect() -> CInt? {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = address
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else {
      close(descriptor)
      return nil
    }
    var one: CInt = 1
    setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
  }
}

/// The sockets that have something to read.
struct Poller {
  private let descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
  private var events = [epoll_event](repeating: epoll_event(), count: 512)

  /// Watches a socket under a number.
  func add(_ socket: CInt, number: Int) {
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.u64 = UInt64(number)
    epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event)
  }

  /// Waits; the numbers of the sockets that can be read.
  mutating func wait(milliseconds: Int) -> [Int] {
    let count = epoll_wait(descriptor, &events, CInt(events.count), CInt(milliseconds))
    return count <= 0 ? [] : events.prefix(Int(count)).map { Int($0.data.u64) }
  }
}

/// Microseconds of a clock that never jumps.
func microseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec * 1_000_000 + time.tv_nsec / 1_000
}

/// Sends everything, waiting for room where there is none.
func sendAll(_ bytes: [UInt8], to socket: CInt) {
  var sent = 0
  while sent < bytes.count {
    let count = bytes.withUnsafeBytes { buffer in
      send(socket, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, CInt(MSG_NOSIGNAL))
    }
    if count >= 0 {
      sent += count
    } else if errno != EAGAIN && errno != EINTR {
      fail("a request could not be sent")
    }
  }
}

/// Ends the run: what it measured is worth nothing.
func fail(_ message: String) -> Never {
  let text = "coracle-load: \(message)\n"
  _ = write(STDERR_FILENO, text, text.utf8.count)
  exit(1)
}
