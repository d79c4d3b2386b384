// SPDX-License-Identifier: Apache-2.0

/// How to log in at servers.
public struct LoginMethods: Sendable, Equatable {
  /// The user at the server.
  public var username: String
  /// The socket of the ssh-agent; nil when there is none.
  public var agentSocket: String?
  /// A key file to try before all others; it must be there.
  public var identityFile: String?
  /// Key files to try last, those of them that are there.
  public var defaultFiles: [String]

  /// Makes login methods.
  public init(username: String, agentSocket: String?, identityFile: String?, defaultFiles: [String]) {
    self.username = username
    self.agentSocket = agentSocket
    self.identityFile = identityFile
    self.defaultFiles = defaultFiles
  }

  /// The names that ssh-keygen gives key files, below the home directory.
  public static let defaultFileNames = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"]
}

/// A key that a server may be offered.
enum LoginKey {
  case agent(AgentIdentity)
  case file(PrivateKeyFile)

  /// The public key on the wire, where it is known.
  var blob: [UInt8]? {
    switch self {
    case .agent(let identity): identity.blob
    case .file(let file): file.publicBlob
    }
  }

  /// The key for messages: where it is and its fingerprint.
  var name: String {
    let fingerprint = blob.flatMap { HostKey(blob: $0) }.map { " (\($0.family) \($0.fingerprint))" } ?? ""
    switch self {
    case .agent(let identity): return "the agent's \(identity.comment.isEmpty ? "key" : identity.comment)\(fingerprint)"
    case .file(let file): return file.path + fingerprint
    }
  }

  /// The keys in the order in which they are offered: the file that was named, the agent's, the usual files.
  ///
  /// A key that the agent holds is not asked of its file, which may want a passphrase.
  static func order(identity: PrivateKeyFile?, agent: [AgentIdentity], defaults: [PrivateKeyFile]) -> [LoginKey] {
    var held = agent
    var keys: [LoginKey] = []
    if let identity {
      if let place = held.firstIndex(where: { $0.blob == identity.publicBlob }) {
        keys.append(.agent(held.remove(at: place)))
      } else {
        keys.append(.file(identity))
      }
    }
    keys += held.map { .agent($0) }
    for file in defaults where file.path != identity?.path {
      if let blob = file.publicBlob, agent.contains(where: { $0.blob == blob }) { continue }
      keys.append(.file(file))
    }
    return keys
  }
}
