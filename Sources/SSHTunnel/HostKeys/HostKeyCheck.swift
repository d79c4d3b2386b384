// SPDX-License-Identifier: Apache-2.0

/// How servers' host keys are checked.
public struct HostKeyPolicy: Sendable, Equatable {
  /// The file with the keys that are known.
  public var file: String
  /// Whether they are checked; if not, any server is trusted and nothing is stored.
  public var isStrict: Bool

  /// Makes a policy.
  public init(file: String, isStrict: Bool = true) {
    self.file = file
    self.isStrict = isStrict
  }
}

/// What a person is told and asked while a session is opened; called on the session's own thread.
public struct SSHPrompts: Sendable {
  /// Asks a question and returns the answer; nil when nobody can be asked.
  public var question: @Sendable (String) -> String?
  /// Asks for a secret, which is not shown; nil when nobody can be asked.
  public var secret: @Sendable (String) -> String?
  /// Tells something, one line.
  public var notice: @Sendable (String) -> Void

  /// Makes prompts.
  public init(
    question: @escaping @Sendable (String) -> String?,
    secret: @escaping @Sendable (String) -> String?,
    notice: @escaping @Sendable (String) -> Void
  ) {
    self.question = question
    self.secret = secret
    self.notice = notice
  }

  /// Asks and tells nobody.
  public static let none = SSHPrompts(question: { _ in nil }, secret: { _ in nil }, notice: { _ in })
}

/// Decides whether a server is trusted by the key it shows.
struct HostKeyCheck {
  var policy: HostKeyPolicy
  var prompts: SSHPrompts

  /// The types of keys to prefer, so that a server shows one that is known.
  ///
  /// - Throws: ``SSHError`` naming the file when it cannot be read.
  func knownTypes(of address: SSHAddress) throws(SSHError) -> [String] {
    policy.isStrict ? try KnownHostsFile(path: policy.file).read().keyTypes(of: address) : []
  }

  /// Lets a known key pass, asks about an unknown one and stores it, and refuses every other.
  ///
  /// - Throws: ``SSHError`` naming server, key, file and line.
  func check(_ key: HostKey, of address: SSHAddress) throws(SSHError) {
    guard policy.isStrict else { return }
    let file = KnownHostsFile(path: policy.file)
    let known = try file.read()
    switch known.verdict(on: key, of: address) {
    case .known: return
    case .changed(let line):
      throw SSHError(
        .hostKey,
        "host key of \(address) has changed: it shows \(key.family) key \(key.fingerprint), but line \(line) of "
          + "\(policy.file) has another; if the machine was made anew, remove that line, else someone may be in between"
      )
    case .revoked(let line):
      throw SSHError(
        .hostKey,
        "\(address) shows \(key.family) key \(key.fingerprint), which line \(line) of \(policy.file) has revoked"
      )
    case .unknown(let others):
      try agree(to: key, of: address, known: known, others: others)
      try file.add(key, of: address)
      prompts.notice(
        "Warning: Permanently added '\(address.knownHostsName)' (\(key.family)) to the list of known hosts."
      )
    }
  }

  private func agree(
    to key: HostKey,
    of address: SSHAddress,
    known: KnownHosts,
    others: [Int]
  ) throws(SSHError) {
    func lines(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
    var text = "The authenticity of host '\(address)' can't be established.\n"
    text += "\(key.family) key fingerprint is \(key.fingerprint).\n"
    if !others.isEmpty { text += "\(policy.file) has keys of other types for it, line \(lines(others)).\n" }
    if !known.unreadableLines.isEmpty {
      text += "\(policy.file) has lines that cannot be read: \(lines(known.unreadableLines)).\n"
    }
    text += "Are you sure you want to continue connecting (yes/no)? "
    let answer = prompts.question(text)?.lowercased()
    guard answer == "yes" else {
      let reason = answer == nil ? "nobody can be asked whether to trust it" : "it was not agreed to"
      throw SSHError(
        .hostKey,
        "host key of \(address) is unknown and \(reason): \(key.family) key \(key.fingerprint) is not in \(policy.file); "
          + "answer yes, add the line \"\(address.knownHostsName) \(key.line)\" there, "
          + "or give --strict-host-key-checking=false"
      )
    }
  }
}
