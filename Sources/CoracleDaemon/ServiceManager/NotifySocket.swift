// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where a service manager wants to be told about a service.
///
/// Source: sd_notify(3).
struct NotifySocket: Sendable {
  /// The path of a socket, or with `@` first a name without a file.
  let path: String

  /// How long a manager that takes no messages is waited for, in seconds.
  private static let patienceSeconds = 5

  /// Reads `NOTIFY_SOCKET`.
  ///
  /// - Parameter variable: Its value.
  /// - Throws: ``NodeError`` for anything but a path or a name that fits a socket's address.
  init(_ variable: String) throws(NodeError) {
    let longest = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
    guard variable.hasPrefix("/") || variable.hasPrefix("@"), variable.utf8.count > 1, variable.utf8.count <= longest
    else {
      throw NodeError(
        "NOTIFY_SOCKET is \"\(variable)\"; it must be a path from the root or @NAME, of \(longest) bytes at most"
      )
    }
    path = variable
  }

  /// Sends one message; blocks the thread for a few seconds at most.
  ///
  /// - Throws: ``NodeError`` when nobody takes it.
  func send(_ message: String) throws(NodeError) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: Self.patienceSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let bytes = Array(message.utf8)
    let sent = withAddress { address, length in
      bytes.withUnsafeBytes {
        sendto(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), address, length)
      }
    }
    guard sent == bytes.count else { throw failure() }
  }

  private func failure() -> NodeError {
    NodeError("tell the service manager at \(path): \(String(cString: strerror(errno)))")
  }

  private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int) -> Int {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    // Such a name begins with a zero byte and ends with the address: without a zero behind it.
    let isName = bytes[0] == UInt8(ascii: "@")
    if isName { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = (MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 0) + bytes.count + (isName ? 0 : 1)
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }
}
