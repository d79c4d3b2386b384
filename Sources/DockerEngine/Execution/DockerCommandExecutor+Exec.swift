// SPDX-License-Identifier: Apache-2.0

/// `exec`, `attach` and `start -a`.
extension DockerCommandExecutor {
  func exec(
    _ options: ExecOptions,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let takesInput = options.isInteractive && console.hasInput
    if options.hasTerminal, takesInput, !options.isDetached, !console.isInputTerminal {
      console.line(OutputLine(.standardError, "the input device is not a TTY"))
      return CommandResult(exitCode: 1)
    }
    let id = try await client.makeExec(options, takesInput: takesInput, for: caller)
    let path = "/exec/\(EngineRequest.percentEncoded(id))"
    let purpose = "execute \(options.words[0]) in container \(options.container)"
    var request = EngineRequest(method: .post, path: path + "/start", timeout: nil, purpose: purpose)
    request.body = .object(
      JSONObject([("Detach", .bool(options.isDetached)), ("Tty", .bool(options.hasTerminal))])
    )
    if options.isDetached {
      try await client.perform(request)
      return CommandResult(exitCode: 0)
    }
    let attachment = Attachment(
      input: takesInput,
      hasTerminal: options.hasTerminal,
      detachKeys: options.detachKeys,
      passesSignals: false
    )
    let end: AttachmentEnd
    do {
      end = try await client.upgraded(request) { stream in
        try await attend(&stream, attachment, resizePath: path + "/resize", console) { _ async in }
      }
    } catch  where error.code == .refused || error.code == .engineFailure || error.code == .notFound {
      console.line(OutputLine(.standardError, "docker: \(error)"))
      return CommandResult(exitCode: error.startExitCode == 125 ? 1 : error.startExitCode)
    }
    guard case .ended = end else { return CommandResult(exitCode: 0) }
    return CommandResult(exitCode: try await client.exitCode(ofExec: path, purpose))
  }

  /// `attach`: the container runs already.
  func attach(
    _ options: AttachOptions,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let details = try await client.inspectJSON(container: options.container)
    let state = details["State"]
    let obstacle: String? =
      if state?["Running"]?.bool != true {
        "cannot attach to a stopped container, start it first"
      } else if state?["Paused"]?.bool == true {
        "cannot attach to a paused container, unpause it first"
      } else if state?["Restarting"]?.bool == true {
        "cannot attach to a restarting container, wait until it is running"
      } else {
        nil
      }
    if let obstacle {
      console.line(OutputLine(.standardError, obstacle))
      return CommandResult(exitCode: 1)
    }
    let configuration = details["Config"]
    let hasTerminal = configuration?["Tty"]?.bool ?? false
    let takesInput = options.isInteractive && configuration?["OpenStdin"]?.bool == true && console.hasInput
    if hasTerminal, takesInput, !console.isInputTerminal {
      console.line(OutputLine(.standardError, "the input device is not a TTY"))
      return CommandResult(exitCode: 1)
    }
    let id = ContainerID(details["Id"]?.string ?? options.container)
    let attachment = Attachment(
      input: takesInput,
      hasTerminal: hasTerminal,
      detachKeys: options.detachKeys,
      passesSignals: options.passesSignals && !hasTerminal
    )
    let client = client
    return try await client.upgraded(Self.attachRequest(id, attachment)) { stream in
      try await withThrowingTaskGroup(of: Int32.self) { group in
        group.addTask { try await client.waitOnce(id, condition: nil) }
        let end = try await attend(&stream, attachment, to: id, console)
        guard case .ended = end else {
          group.cancelAll()
          return CommandResult(exitCode: 0)
        }
        return CommandResult(exitCode: try await group.next() ?? 0)
      }
    }
  }

  /// `start -a` for somebody at a console.
  func startAttached(
    _ options: StartOptions,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let details = try await client.inspectJSON(container: options.containers[0])
    let configuration = details["Config"]
    let hasTerminal = configuration?["Tty"]?.bool ?? false
    let attachment = Attachment(
      input: options.isInteractive && configuration?["OpenStdin"]?.bool == true,
      hasTerminal: hasTerminal,
      detachKeys: options.detachKeys,
      passesSignals: !hasTerminal
    )
    let id = ContainerID(details["Id"]?.string ?? options.containers[0])
    let isRemoved = details["HostConfig"]?["AutoRemove"]?.bool ?? false
    return try await runAttached(id, attachment, isRemoved: isRemoved, refusal: 1, console)
  }
}

extension DockerEngineClient {
  /// Prepares a command in a container.
  ///
  /// - Returns: Its id.
  func makeExec(
    _ options: ExecOptions,
    takesInput: Bool,
    for caller: DockerCaller
  ) async throws(DockerEngineError) -> String {
    var body = JSONObject([
      ("AttachStdin", .bool(takesInput && !options.isDetached)), ("AttachStdout", .bool(!options.isDetached)),
      ("AttachStderr", .bool(!options.isDetached)), ("Tty", .bool(options.hasTerminal)),
      ("Privileged", .bool(options.isPrivileged)), ("Cmd", .strings(options.words)),
    ])
    if let user = options.user { body["User"] = .string(user) }
    if let directory = options.workingDirectory { body["WorkingDir"] = .string(directory) }
    if let keys = options.detachKeys { body["DetachKeys"] = .string(keys.text) }
    let environment = try caller.resolved(options.environment, files: options.environmentFiles)
    if !environment.isEmpty { body["Env"] = .strings(environment) }
    let answer = try await performForJSON(
      EngineRequest(
        method: .post,
        path: containerPath(ContainerID(options.container), "/exec"),
        body: .object(body),
        purpose: "execute \(options.words[0]) in container \(options.container)"
      )
    )
    guard let id = answer["Id"]?.string else {
      throw DockerEngineError(.badAnswer, "execute in container \(options.container): the answer names no command")
    }
    return id
  }

  func exitCode(ofExec path: String, _ purpose: String) async throws(DockerEngineError) -> Int32 {
    var backOff = BackOff()
    for _ in 0..<8 {
      let answer = try await performForJSON(EngineRequest(method: .get, path: path + "/json", purpose: purpose))
      if answer["Running"]?.bool != true { return Int32(clamping: answer["ExitCode"]?.int64 ?? 0) }
      // The stream may end a moment before the engine has noted the end.
      guard (try? await backOff.pause()) != nil else { break }
    }
    // It has closed its output and runs on; docker's own program takes that for success.
    return 0
  }
}
