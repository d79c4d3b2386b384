// SPDX-License-Identifier: Apache-2.0

/// `login` and `logout`.
extension DockerCommandExecutor {
  func login(
    _ options: LoginOptions,
    _ credentials: RegistryCredentials,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let key = RegistryConfiguration.key(options.registry)
    let known = try await credentials.login(for: key)
    var user = options.user
    if user == nil {
      // A login that is kept is tried again, as docker's own program does.
      if let known, options.password == nil { return try await tryKnown(known, credentials, console) }
      user = await console.ask("Username: ", isSecret: false)?.trimmingSpaces()
    }
    guard let user, !user.isEmpty else {
      throw DockerEngineError(.badRequest, "login needs a user name: -u, or somebody at a terminal")
    }
    var password = options.password
    if options.readsPassword {
      password = await Self.wholeInput(console)
    } else if password == nil {
      password = await console.ask("Password: ", isSecret: true)
    } else {
      console.line(
        OutputLine(.standardError, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
      )
    }
    guard let password, !password.isEmpty else {
      throw DockerEngineError(.badRequest, "login needs a password: --password-stdin, or somebody at a terminal")
    }
    let login = RegistryLogin(key: key, user: user, password: password)
    return try await keep(login, credentials, console)
  }

  private func tryKnown(
    _ login: RegistryLogin,
    _ credentials: RegistryCredentials,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    console.line(OutputLine(.standardOutput, "Authenticating with existing credentials..."))
    return try await keep(login, credentials, console)
  }

  /// Asks the engine whether the registry takes it, then keeps it.
  private func keep(
    _ login: RegistryLogin,
    _ credentials: RegistryCredentials,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    var body = JSONObject([
      ("username", .string(login.user)), ("password", .string(login.password)), ("serveraddress", .string(login.key)),
    ])
    if let token = login.identityToken { body["identitytoken"] = .string(token) }
    let answer = try await client.perform(
      EngineRequest(method: .post, path: "/auth", body: .object(body), purpose: "log in at \(login.key)")
    )
    let document = try? JSONValue(parsing: answer.body)
    var login = login
    if let token = document?["IdentityToken"]?.string, !token.isEmpty {
      login.identityToken = token
      login.password = ""
    }
    if try await credentials.keep(login) {
      console.line(
        OutputLine(
          .standardError,
          "WARNING! Your password will be stored unencrypted in \(credentials.path); a credential helper can keep it."
        )
      )
    }
    console.line(OutputLine(.standardOutput, document?["Status"]?.string ?? "Login Succeeded"))
    return CommandResult(exitCode: 0)
  }

  func logout(
    _ registry: String?,
    _ credentials: RegistryCredentials,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    let key = RegistryConfiguration.key(registry)
    output(OutputLine(.standardOutput, "Removing login credentials for \(key)"))
    _ = try await credentials.forget(key)
    return CommandResult(exitCode: 0)
  }

  /// Standard input to its end, without the last newline.
  private static func wholeInput(_ console: any CommandConsole) async -> String? {
    var bytes: [UInt8] = []
    while bytes.count < PasswordKeeper.limitBytes, let piece = await console.read() { bytes += piece }
    while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
