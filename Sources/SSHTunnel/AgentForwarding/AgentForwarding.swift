// SPDX-License-Identifier: Apache-2.0
import Glibc
import Threads

/// Lets programs at a server use the ssh-agent of this machine.
///
/// A command of ours at the server (``AgentRelay``) owns a socket there and hands the messages that come to it on. Channels
/// that a server opens by itself, as sshd's own forwarding does, are dropped by libssh2 before 1.11.
public final class AgentForwarding: Sendable {
  /// The socket at the server, for `SSH_AUTH_SOCK`.
  public let socketPath: String
  private let descriptor: Int32

  private static let patience = timeval(tv_sec: 10, tv_usec: 0)
  private static let maximumPathBytes = 256

  private init(socketPath: String, descriptor: Int32) {
    self.socketPath = socketPath
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// Starts the relay at a server.
  ///
  /// - Throws: ``SSHError`` when there is no agent here, or the server has no relay.
  public static func begin(over session: SSHSession, agentSocket: String?) async throws(SSHError) -> AgentForwarding {
    guard let agentSocket else {
      throw SSHError(.local, "there is no ssh-agent to forward: SSH_AUTH_SOCK is not set")
    }
    _ = try SSHAgent(path: agentSocket)
    let (outer, inner) = try UnixSocket.pair()
    do throws(SSHError) {
      try startRelay(over: session, inner)
    } catch {
      close(outer)
      throw error
    }
    let path = await withCheckedContinuation { (continuation: CheckedContinuation<String?, Never>) in
      do throws(DedicatedThread.Refused) {
        try DedicatedThread.start(name: "ssh-agent") {
          let path = firstLine(from: outer)
          continuation.resume(returning: path)
          if path != nil { serve(outer, agentSocket) }
        }
      } catch {
        continuation.resume(returning: nil)
      }
    }
    let forwarding = AgentForwarding(socketPath: path ?? "", descriptor: outer)
    guard path != nil else {
      forwarding.end()
      throw SSHError(.refused, "\(session.address) cannot take an agent: it has no coracle on the user's PATH")
    }
    return forwarding
  }

  /// Takes the socket away.
  public func end() {
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// A command line that runs another, or the user's shell, with the agent.
  public func commandLine(running line: String?) -> String {
    let variable = "SSH_AUTH_SOCK=\(ShellWord.quoted(socketPath))"
    guard let line else { return "exec env \(variable) \"$SHELL\" -l" }
    return "exec env \(variable) \"$SHELL\" -c \(ShellWord.quoted(line))"
  }

  /// Runs the relay's command on a socket, which is closed when it has ended or does not start.
  private static func startRelay(over session: SSHSession, _ socket: Int32) throws(SSHError) {
    let silence = open("/dev/null", O_WRONLY | O_CLOEXEC)
    do throws(SSHError) {
      guard silence >= 0 else { throw SSHError(.local, "cannot open /dev/null: \(SSHError.reason(errno))") }
      try session.begin(
        RemoteCommand(line: "exec coracle \(AgentRelay.word)"),
        CommandStreams(input: socket, output: socket, errors: silence)
      ) { _ in
        close(socket)
        close(silence)
      }
    } catch {
      close(socket)
      if silence >= 0 { close(silence) }
      throw error
    }
  }

  private static func firstLine(from descriptor: Int32) -> String? {
    var patience = patience
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    defer {
      var forever = timeval()
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &forever, socklen_t(MemoryLayout<timeval>.size))
    }
    var bytes: [UInt8] = []
    while bytes.count < maximumPathBytes {
      var byte: UInt8 = 0
      guard read(descriptor, &byte, 1) == 1 else { return nil }
      if byte == UInt8(ascii: "\n") {
        let path = String(decoding: bytes, as: UTF8.self)
        return path.hasPrefix("/") ? path : nil
      }
      bytes.append(byte)
    }
    return nil
  }

  /// Puts each message of the relay to the agent; runs until the relay's side ends.
  private static func serve(_ descriptor: Int32, _ agentSocket: String) {
    while let message = FrameStream.read(from: descriptor, limit: AgentMessages.maximumBytes) {
      let agent = try? SSHAgent(path: agentSocket)
      var answer = SSHWriter()
      answer.string((try? agent?.ask(message)) ?? AgentMessages.failure)
      guard FrameStream.write(answer.bytes, to: descriptor) else { return }
    }
  }
}
