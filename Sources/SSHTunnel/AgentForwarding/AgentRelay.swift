// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The server's side of a forwarded agent: a socket whose messages go out on standard output, one at a time, and whose
/// answers come in on standard input.
///
/// Each message and each answer has its length before it, as at the agent's own socket.
public enum AgentRelay {
  /// The word that starts it on coracle's command line.
  public static let word = "agent-relay"

  private static let maximumClients = 64

  /// Prints the socket's path and serves until standard input ends.
  ///
  /// - Throws: ``SSHError`` when no socket can be made.
  public static func run() async throws(SSHError) {
    var template = Array("/tmp/coracle-agent-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SSHError(.local, "cannot make a directory in /tmp: \(SSHError.reason(errno))")
    }
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = directory + "/agent"
    defer {
      unlink(path)
      rmdir(directory)
    }
    guard let listener = UnixSocket.listen(at: path) else {
      throw SSHError(.local, "cannot listen at \(path): \(SSHError.reason(errno))")
    }
    defer { close(listener) }
    guard FrameStream.write(Array("\(path)\n".utf8), to: STDOUT_FILENO) else { return }
    try await onThread(named: "ssh-agent-relay") { serve(listener) }
  }

  private static func serve(_ listener: Int32) {
    var clients: [Int32] = []
    defer { for client in clients { close(client) } }
    while true {
      var entries = [pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)]
      let isFull = clients.count >= maximumClients
      entries.append(pollfd(fd: isFull ? -1 : listener, events: Int16(POLLIN), revents: 0))
      entries += clients.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      if poll(&entries, nfds_t(entries.count), -1) < 0, errno != EINTR { return }
      // Nothing is due from there between two messages, so this is the end.
      if entries[0].revents != 0 { return }
      for entry in entries.dropFirst(2) where entry.revents != 0 {
        switch relay(entry.fd) {
        case .answered: break
        case .clientGone:
          close(entry.fd)
          clients.removeAll { $0 == entry.fd }
        case .serverGone: return
        }
      }
      if entries[1].revents != 0 {
        let client = accept(listener, nil, nil)
        if client >= 0 { clients.append(client) }
      }
    }
  }

  private enum Outcome {
    case answered
    case clientGone
    case serverGone
  }

  private static func relay(_ client: Int32) -> Outcome {
    guard let message = FrameStream.read(from: client, limit: AgentMessages.maximumBytes) else { return .clientGone }
    var request = SSHWriter()
    request.string(message)
    guard FrameStream.write(request.bytes, to: STDOUT_FILENO),
      let answer = FrameStream.read(from: STDIN_FILENO, limit: AgentMessages.maximumBytes)
    else { return .serverGone }
    var reply = SSHWriter()
    reply.string(answer)
    return FrameStream.write(reply.bytes, to: client) ? .answered : .clientGone
  }
}
