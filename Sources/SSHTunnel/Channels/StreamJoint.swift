// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Joins descriptors of this process, without a server in between.
public enum StreamJoint {
  /// Carries bytes between standard input and output and a unix socket until the socket's side has ended.
  ///
  /// - Throws: ``SSHError`` naming the socket when it cannot be connected to.
  public static func joinStandardStreams(toSocket path: String) async throws(SSHError) {
    guard let descriptor = UnixSocket.connect(to: path) else {
      throw SSHError(.unreachable, "cannot connect to socket \(path): \(SSHError.reason(errno))")
    }
    try await onThread(named: "ssh-streams") {
      carry(between: descriptor)
      close(descriptor)
    }
  }

  private static func carry(between descriptor: Int32) {
    var input: LocalEnd? = LocalEnd(STDIN_FILENO)
    var toSocket = ByteQueue()
    var fromSocket = ByteQueue()
    var output = LocalEnd(STDOUT_FILENO)
    var socket = LocalEnd(descriptor)
    var buffer = [UInt8](repeating: 0, count: 32_768)
    while true {
      let events = (fromSocket.isEmpty ? POLLIN : 0) | (toSocket.isEmpty ? 0 : POLLOUT)
      var entries = [
        pollfd(fd: input != nil && toSocket.isEmpty ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: fromSocket.isEmpty ? -1 : STDOUT_FILENO, events: Int16(POLLOUT), revents: 0),
        // A socket that nothing is wanted of would go on telling that it has hung up.
        pollfd(fd: events == 0 ? -1 : descriptor, events: Int16(events), revents: 0),
      ]
      if poll(&entries, nfds_t(entries.count), -1) < 0, errno != EINTR { return }
      if entries[0].revents != 0 {
        input?.isReady = true
        switch input?.read(into: &buffer) {
        case .moved(let count): toSocket.append(buffer[..<count])
        case .ended:
          input = nil
          shutdown(descriptor, Int32(SHUT_WR))
        case .wouldBlock, nil: break
        }
      }
      if !toSocket.isEmpty, socket.write(from: &toSocket) == .ended { return }
      if fromSocket.isEmpty {
        switch socket.read(into: &buffer) {
        case .moved(let count): fromSocket.append(buffer[..<count])
        case .ended: return
        case .wouldBlock: break
        }
      }
      if entries[1].revents != 0 {
        output.isReady = true
        if output.write(from: &fromSocket) == .ended { return }
      }
    }
  }
}
