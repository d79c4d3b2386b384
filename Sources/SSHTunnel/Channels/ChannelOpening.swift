// SPDX-License-Identifier: Apache-2.0
import CLibSSH2

/// A channel that is being opened; a session opens one at a time.
///
/// Concurrency: used by the session's thread.
final class ChannelOpening {
  /// What the channel is for.
  enum Purpose {
    case stream(StreamTarget)
    /// A command or a shell.
    case session
  }

  let purpose: Purpose
  private let type: String
  private let message: [UInt8]
  /// Whether the server tried, and nobody was there.
  private var hasFoundNobody = false
  /// Takes the channel, or the reason why there is none.
  let done: (Result<OpaquePointer, SSHError>) -> Void

  private static let window: UInt32 = 2 * 1024 * 1024
  private static let packet: UInt32 = 32_768

  init(_ purpose: Purpose, done: @escaping (Result<OpaquePointer, SSHError>) -> Void) {
    self.purpose = purpose
    self.done = done
    switch purpose {
    case .stream(let target):
      type = target.channelType
      message = target.openMessage
    case .session:
      type = "session"
      message = []
    }
  }

  /// Goes on without waiting; the outcome, or nil while the server has not answered.
  func advance(_ link: SSHLink) -> Result<OpaquePointer, SSHError>? {
    let channel = message.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        libssh2_channel_open_ex(
          link.handle,
          type,
          UInt32(type.utf8.count),
          Self.window,
          Self.packet,
          text.baseAddress,
          UInt32(text.count)
        )
      }
    }
    if let channel { return .success(channel) }
    let code = link.lastCode
    if code == LIBSSH2_ERROR_EAGAIN { return nil }
    return .failure(link.failure ?? refusal(link))
  }

  private func refusal(_ link: SSHLink) -> SSHError {
    let message = link.lastMessage
    guard case .stream(let target) = purpose else {
      return SSHError(.refused, "\(link.address) opens no session: \(message)")
    }
    hasFoundNobody = message.contains("connect failed")
    let isForbidden = message.contains("prohibited")
    let reason =
      if hasFoundNobody { "nobody takes connections there" } else if isForbidden {
        "its sshd forbids it (AllowTcpForwarding, AllowStreamLocalForwarding)"
      } else { message }
    return SSHError(.refused, "\(link.address) cannot connect to \(target): \(reason)")
  }

  /// Whether another way than this channel may lead to the same place.
  func mayUseCommand(after error: SSHError) -> Bool {
    guard case .stream(.unix) = purpose, error.code == .refused else { return false }
    return !hasFoundNobody
  }
}
