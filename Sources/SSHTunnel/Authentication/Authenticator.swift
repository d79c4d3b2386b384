// SPDX-License-Identifier: Apache-2.0
import CLibSSH2
import Glibc

/// Logs in with one key after the other; no password is ever offered.
///
/// Concurrency: used by the session's own thread, which it blocks.
struct Authenticator {
  let link: SSHLink
  let methods: LoginMethods
  let prompts: SSHPrompts
  let timeout: Duration

  /// How long a person has for a touch of a token, or an agent's question.
  private static let signingTimeout = Duration.seconds(120)
  private static let passphraseAttempts = 3

  private enum Outcome {
    case loggedIn
    case refused
    /// Not offered, with the reason.
    case unusable(String)
  }

  /// Tries all keys.
  ///
  /// - Throws: ``SSHError`` saying which keys were refused, or where one would be looked for.
  func logIn() throws(SSHError) {
    guard try acceptsKeys() else { return }
    var troubles: [String] = []
    var agent: SSHAgent?
    var identities: [AgentIdentity] = []
    if let path = methods.agentSocket {
      do throws(SSHError) {
        let connected = try SSHAgent(path: path)
        identities = try connected.identities()
        agent = connected
      } catch {
        troubles.append(error.message)
      }
    }
    let keys = LoginKey.order(identity: try identity(), agent: identities, defaults: defaults(&troubles))
    var offered: [String] = []
    for key in keys {
      switch try offer(key, agent) {
      case .loggedIn: return
      case .refused: offered.append(key.name)
      case .unusable(let reason): troubles.append(reason)
      }
    }
    throw failure(offered: offered, troubles: troubles)
  }

  /// Whether a key is asked for; false when the server lets everyone in.
  private func acceptsKeys() throws(SSHError) -> Bool {
    var list = ""
    let user = methods.username
    _ = try link.drive("naming the ways to log in", within: timeout) {
      if let text = libssh2_userauth_list(link.handle, user, UInt32(user.utf8.count)) {
        list = String(cString: text)
        return 0
      }
      return libssh2_userauth_authenticated(link.handle) == 1 ? 0 : link.lastCode
    }
    if libssh2_userauth_authenticated(link.handle) == 1 { return false }
    if let failure = link.failure { throw failure }
    guard list.split(separator: ",").contains("publickey") else {
      throw SSHError(
        .authentication,
        "\(link.address) takes no keys from \(user), only \(list.isEmpty ? "nothing" : list); "
          + "allow PubkeyAuthentication in its sshd_config"
      )
    }
    return true
  }

  private func identity() throws(SSHError) -> PrivateKeyFile? {
    guard let path = methods.identityFile else { return nil }
    guard let file = try PrivateKeyFile.read(path) else {
      throw SSHError(.local, "there is no key file \(path) (--ssh-identity-file)")
    }
    return file
  }

  private func defaults(_ troubles: inout [String]) -> [PrivateKeyFile] {
    var files: [PrivateKeyFile] = []
    for path in methods.defaultFiles {
      do throws(SSHError) {
        if let file = try PrivateKeyFile.read(path) { files.append(file) }
      } catch {
        troubles.append(error.message)
      }
    }
    return files
  }

  private func failure(offered: [String], troubles: [String]) -> SSHError {
    let place = "\(link.address) as \(methods.username)"
    let detail = troubles.isEmpty ? "" : "; \(troubles.joined(separator: "; "))"
    guard offered.isEmpty else {
      return SSHError(
        .authentication,
        "cannot log in at \(place): it refused \(offered.joined(separator: ", "))\(detail); "
          + "add a key to authorized_keys there, or name another user by --ssh-username"
      )
    }
    let agent =
      methods.agentSocket == nil
      ? "no ssh-agent is running (SSH_AUTH_SOCK is not set)" : "the ssh-agent has no usable key"
    let files =
      methods.defaultFiles.isEmpty ? "" : " and none of \(methods.defaultFiles.joined(separator: ", ")) is usable"
    return SSHError(
      .authentication,
      "cannot log in at \(place): \(agent)\(files)\(detail); run ssh-add, or give --ssh-identity-file"
    )
  }

  // MARK: One key

  private func offer(_ key: LoginKey, _ agent: SSHAgent?) throws(SSHError) -> Outcome {
    switch key {
    case .agent(let identity):
      guard let agent, let type = HostKey(blob: identity.blob)?.type else { return .refused }
      guard Self.isSupported(type) else {
        return .unusable("libssh2 cannot use \(key.name), which is of type \(type)")
      }
      return try offer(blob: identity.blob) { data, algorithm in
        let flags: UInt32 = algorithm == "rsa-sha2-512" ? 4 : algorithm == "rsa-sha2-256" ? 2 : 0
        return try? agent.sign(data, key: identity.blob, flags: flags).bytes
      }
    case .file(let file):
      let isOld = libssh2_version(KeySigner.rsaVersion) == nil
      return isOld && (file.isRSA || RSAKey(file) != nil) ? try offerRSA(file) : try offer(file)
    }
  }

  /// Keys on tokens and with certificates need signatures of other forms.
  private static func isSupported(_ type: String) -> Bool {
    !type.hasPrefix("sk-") && !type.contains("-cert-v0")
  }

  private func offerRSA(_ file: PrivateKeyFile) throws(SSHError) -> Outcome {
    guard let key = RSAKey(file), let blob = file.publicBlob ?? key.publicBlob else {
      return .unusable(
        "\(file.path) is an encrypted RSA key, with which libssh2 before 1.11 cannot log in: add it to an ssh-agent"
      )
    }
    return try offer(blob: blob) { data, algorithm in key.signature(of: data, algorithm: algorithm) }
  }

  /// Offers a key whose signatures are made here or by an agent.
  private func offer(blob: [UInt8], _ sign: @escaping ([UInt8], String) -> [UInt8]?) throws(SSHError) -> Outcome {
    let signer = KeySigner(sign)
    let blob = KeySigner.offeredBlob(blob)
    let user = methods.username
    let context = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 1)
    context.initialize(to: Unmanaged.passUnretained(signer).toOpaque())
    defer { context.deallocate() }
    let code = try withExtendedLifetime(signer) { () throws(SSHError) in
      try link.drive("logging in as \(user)", within: timeout + Self.signingTimeout) {
        libssh2_userauth_publickey(link.handle, user, blob, blob.count, KeySigner.callback, context)
      }
    }
    if code != 0, signer.hasFailed { return .unusable("the server would take a key, but signing with it failed") }
    return try outcome(code)
  }

  /// Offers a key that the library reads itself; asks for the passphrase if the server would take the key.
  private func offer(_ file: PrivateKeyFile) throws(SSHError) -> Outcome {
    guard file.isEncrypted else { return try offer(file, passphrase: nil) }
    if let blob = file.publicBlob, !(try isWelcome(blob)) { return .refused }
    for _ in 0..<Self.passphraseAttempts {
      guard let passphrase = prompts.secret("Enter passphrase for key '\(file.path)': ") else {
        return .unusable("nobody can be asked for the passphrase of \(file.path): add it to an ssh-agent")
      }
      if case .loggedIn = try offer(file, passphrase: passphrase) { return .loggedIn }
    }
    return .unusable("none of the passphrases opened \(file.path)")
  }

  private func offer(_ file: PrivateKeyFile, passphrase: String?) throws(SSHError) -> Outcome {
    let user = methods.username
    let code = try link.drive("logging in as \(user)", within: timeout) {
      file.bytes.withUnsafeBufferPointer { bytes in
        bytes.withMemoryRebound(to: CChar.self) { text in
          libssh2_userauth_publickey_frommemory(
            link.handle,
            user,
            user.utf8.count,
            nil,
            0,
            text.baseAddress,
            text.count,
            passphrase
          )
        }
      }
    }
    if code == LIBSSH2_ERROR_FILE, passphrase == nil { return .unusable("libssh2 cannot read the key in \(file.path)") }
    return try outcome(code)
  }

  /// Whether the server would take a key, asked without a signature.
  private func isWelcome(_ blob: [UInt8]) throws(SSHError) -> Bool {
    var wasAsked = false
    _ = try offer(blob: blob) { _, _ in
      wasAsked = true
      return nil
    }
    return wasAsked
  }

  private func outcome(_ code: Int32) throws(SSHError) -> Outcome {
    if code == 0 { return .loggedIn }
    if link.failure != nil || code == LIBSSH2_ERROR_SOCKET_DISCONNECT {
      throw SSHError(
        .authentication,
        "\(link.address) hung up while \(methods.username) logged in; with many keys in the agent, name one by "
          + "--ssh-identity-file"
      )
    }
    return .refused
  }
}
