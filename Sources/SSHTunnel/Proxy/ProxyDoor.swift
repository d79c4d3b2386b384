// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A listening socket on loopback, through which this process's own HTTP clients reach what the server can.
///
/// Whoever knocks must show the token, so that other users of this computer cannot use the session.
final class ProxyDoor: Sendable {
  let descriptor: Int32
  let port: Int
  let token: String
  /// Why places could not be connected to last.
  private let failures = Mutex<[StreamTarget: String]>([:])

  /// - Throws: ``SSHError`` when loopback gives no port.
  init() throws(SSHError) {
    let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | flags, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, size) == 0 && listen(descriptor, 128) == 0
          && getsockname(descriptor, generic, &size) == 0
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    var random = SystemRandomNumberGenerator()
    token = (0..<2).map { _ in String(random.next(), radix: 16) }.joined(separator: "-")
    guard isOpen else {
      let reason = SSHError.reason(errno)
      close(descriptor)
      throw SSHError(.local, "cannot listen on 127.0.0.1 for the tunnel's clients: \(reason)")
    }
  }

  /// Takes a client in; nil when none waits.
  func accept() -> Int32? {
    let client = Glibc.accept(descriptor, nil, nil)
    guard client >= 0 else { return nil }
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    return client
  }

  /// Notes why a place cannot be connected to.
  func note(_ error: SSHError, for target: StreamTarget) {
    failures.withLock { $0[target] = error.message }
  }

  /// Why a place could not be connected to last.
  func failure(of target: StreamTarget) -> String? {
    failures.withLock { $0[target] }
  }
}

/// A client of the proxy that has not said all it wants yet.
///
/// Concurrency: used by the session's thread.
final class ProxyVisitor {
  let descriptor: Int32
  private var bytes: [UInt8] = []
  private let since = ContinuousClock.now

  /// How long a client may take to say where to.
  private static let patience = Duration.seconds(10)

  enum Outcome {
    case waiting
    /// It was turned away, and its socket is closed.
    case turnedAway
    case wants(StreamTarget)
  }

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// Reads on.
  func listen(token: String) -> Outcome {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN || errno == EINTR {
      guard since.duration(to: .now) < Self.patience else { return turnAway("408 Request Timeout") }
      return .waiting
    }
    guard count > 0 else { return turnAway(nil) }
    bytes += buffer[..<count]
    do throws(ConnectRequest.Problem) {
      let (request, length) = try ConnectRequest.parse(bytes)
      guard request.token == token else { return turnAway("407 Proxy Authentication Required") }
      // Nobody may speak to a server that is not connected yet.
      guard length == bytes.count else { return turnAway("400 Bad Request") }
      return .wants(request.target)
    } catch .incomplete {
      return .waiting
    } catch {
      return turnAway("400 Bad Request")
    }
  }

  /// Says no, and closes the socket.
  @discardableResult
  func turnAway(_ status: String?) -> Outcome {
    if let status {
      let answer = "HTTP/1.1 \(status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
      _ = send(descriptor, answer, answer.utf8.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }
    close(descriptor)
    return .turnedAway
  }
}
