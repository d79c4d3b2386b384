// SPDX-License-Identifier: Apache-2.0

/// A key that an ssh-agent holds.
struct AgentIdentity: Equatable, Sendable {
  /// The public key as it stands on the wire.
  var blob: [UInt8]
  /// What its owner called it.
  var comment: String
}

/// The messages to an ssh-agent and its answers, without the length before them.
///
/// Source: draft-miller-ssh-agent, sections 3.5 and 3.6.
enum AgentMessages {
  /// The longest message that OpenSSH's agent takes.
  static let maximumBytes = 256 * 1024

  /// The answer to what cannot be done.
  static let failure: [UInt8] = [5]

  /// Asks for the list of keys.
  static let listRequest: [UInt8] = [11]

  /// Reads the list of keys; nil when the answer is none.
  static func identities(_ answer: [UInt8]) -> [AgentIdentity]? {
    var reader = SSHReader(answer)
    guard reader.byte() == 12, let count = reader.number() else { return nil }
    var identities: [AgentIdentity] = []
    for _ in 0..<count {
      guard let blob = reader.string(), let comment = reader.text() else { return nil }
      identities.append(AgentIdentity(blob: blob, comment: comment))
    }
    return identities
  }

  /// Asks for a signature.
  static func signRequest(key blob: [UInt8], data: [UInt8], flags: UInt32) -> [UInt8] {
    var writer = SSHWriter()
    writer.byte(13)
    writer.string(blob)
    writer.string(data)
    writer.number(flags)
    return writer.bytes
  }

  /// Reads a signature, without the name of its algorithm; nil when the agent refused.
  static func signature(_ answer: [UInt8]) -> (algorithm: String, bytes: [UInt8])? {
    var reader = SSHReader(answer)
    guard reader.byte() == 14, let blob = reader.string() else { return nil }
    var inner = SSHReader(blob)
    guard let algorithm = inner.text(), let bytes = inner.string(), inner.isAtEnd else { return nil }
    return (algorithm, bytes)
  }
}
