// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging

/// `run` and `create`.
extension DockerCommandExecutor {
  func run(
    _ specification: ContainerSpecification,
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    guard specification.isDetached else {
      return await runAttached(try await begin(line, for: caller, output: output), output: output)
    }
    return try await runDetached(specification, line, for: caller, output: output)
  }

  /// The same for somebody at a console, who is attached to it.
  func run(
    _ specification: ContainerSpecification,
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let output: @Sendable (OutputLine) -> Void = { console.line($0) }
    guard !specification.isDetached else {
      return try await runDetached(specification, line, for: caller, output: output)
    }
    let streams = specification.attachedStreams
    let takesInput = specification.configuration["AttachStdin"]?.bool ?? false
    if specification.hasTerminal, takesInput, !console.isInputTerminal {
      output(OutputLine(.standardError, "the input device is not a TTY"))
      return CommandResult(exitCode: 1)
    }
    // Whoever kills us leaves nothing behind when the engine removes it.
    let id = try await create(specification.removedByEngine(), line, for: caller, output: output)
    let attachment = Attachment(
      input: takesInput,
      output: streams.isEmpty || streams.contains("stdout"),
      errors: streams.isEmpty || streams.contains("stderr"),
      hasTerminal: specification.hasTerminal,
      detachKeys: specification.detachKeys,
      passesSignals: specification.passesSignals
    )
    return try await runAttached(id, attachment, isRemoved: specification.removesOnExit, console)
  }

  private func runDetached(
    _ specification: ContainerSpecification,
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    let id = try await create(specification.removedByEngine(), line, for: caller, output: output)
    do {
      try await client.start(id)
    } catch {
      if specification.removesOnExit { await removeForCertain(id) }
      output(OutputLine(.standardError, "docker: \(error)"))
      return CommandResult(exitCode: error.startExitCode)
    }
    output(OutputLine(.standardOutput, id.rawValue))
    return CommandResult(exitCode: 0)
  }

  /// Makes a container, pulling its image when that is missing; starts nothing.
  func create(
    _ specification: ContainerSpecification,
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> ContainerID {
    if let path = specification.containerIDFile, access(caller.absolute(path), F_OK) == 0 {
      throw DockerEngineError(
        .file,
        "container ID file found, make sure the other container isn't running or delete \(path)"
      )
    }
    let credentials = credentials(line, caller)
    if specification.pullPolicy == .always { try await pullImage(of: specification, credentials, output) }
    let creation = try ContainerCreation(specification, for: caller, version: try await client.version())
    let request = EngineRequest(
      method: .post,
      path: "/containers/create",
      query: creation.query,
      body: creation.body,
      timeout: .seconds(300),
      purpose: "create container \(specification.name ?? "of " + specification.image)"
    )
    let answer: JSONValue
    do {
      answer = try await client.performForJSON(request)
    } catch  where error.code == .notFound && specification.pullPolicy == .missing {
      output(OutputLine(.standardError, "Unable to find image '\(specification.image)' locally"))
      try await pullImage(of: specification, credentials, output)
      answer = try await client.performForJSON(request)
    }
    guard let id = answer["Id"]?.string else {
      throw DockerEngineError(.badAnswer, "\(request.purpose): the answer names no container")
    }
    for warning in answer["Warnings"]?.elements.compactMap(\.string) ?? [] {
      output(OutputLine(.standardError, "WARNING: \(warning)"))
    }
    if let path = specification.containerIDFile { try CallerFile.write(id, to: caller.absolute(path)) }
    return ContainerID(id)
  }

  private func pullImage(
    of specification: ContainerSpecification,
    _ credentials: RegistryCredentials,
    _ output: @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    guard let image = ImageReference(specification.image) else {
      throw DockerEngineError(.badRequest, "\"\(specification.image)\" is no name of an image")
    }
    // Progress belongs on standard error here: standard output is the container's.
    let authorization = try await credentials.header(for: image.registry)
    try await client.pull(image, platform: specification.platform, authorization: authorization) { line in
      if !specification.isQuiet || line.stream == .standardError {
        output(OutputLine(stream: .standardError, bytes: line.bytes))
      }
    }
  }

  /// Starts a container and stays with it to its end.
  func runAttached(
    _ container: ForegroundContainer,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async -> CommandResult {
    let result: CommandResult
    do {
      try await client.start(container.id)
      result = CommandResult(exitCode: try await follow(container, output).exitCode)
    } catch {
      output(OutputLine(.standardError, "docker: \(error)"))
      if error.code == .cancelled { await killForCertain(container.id) }
      result = CommandResult(exitCode: error.startExitCode)
    }
    if container.removesOnExit { await removeForCertain(container.id) }
    return result
  }

  /// What happened while a container ran.
  private enum Milestone: Sendable {
    case logEnded
    case exited(Result<ContainerExit, DockerEngineError>)
    case logOverdue
  }

  /// Hands over a running container's output and waits for its end.
  private func follow(
    _ container: ForegroundContainer,
    _ output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> ContainerExit {
    let client = client
    let outcome = await withTaskGroup(of: Milestone.self) { group in
      group.addTask { await followLog(of: container, output) }
      group.addTask {
        do throws(DockerEngineError) {
          return .exited(.success(try await client.wait(container.id)))
        } catch {
          return .exited(.failure(error))
        }
      }
      var outcome: Result<ContainerExit, DockerEngineError>?
      var hasLogEnded = false
      while outcome == nil || !hasLogEnded, let milestone = await group.next() {
        switch milestone {
        case .logEnded, .logOverdue: hasLogEnded = true
        case .exited(let result):
          outcome = result
          // The rest of the output follows at once; this bounds it should the log never end.
          group.addTask {
            try? await Task.sleep(for: Self.logDrainTimeout)
            return .logOverdue
          }
        }
      }
      group.cancelAll()
      return outcome
    }
    return try (outcome ?? .failure(DockerEngineError(.cancelled, "wait for container \(container.id): cancelled")))
      .get()
  }

  private func followLog(
    of container: ForegroundContainer,
    _ output: @escaping @Sendable (OutputLine) -> Void
  ) async -> Milestone {
    do throws(DockerEngineError) {
      try await client.followLogs(container.id, since: container.logCursor, output: output)
    } catch  where error.code == .cancelled {
      // Told by whoever cancelled.
    } catch {
      output(OutputLine(.standardError, "docker: \(error)"))
    }
    return .logEnded
  }

  private func killForCertain(_ id: ContainerID) async {
    let client = client
    await shieldedFromCancellation {
      do throws(DockerEngineError) {
        try await client.stop(id, timeout: .zero)
      } catch {
        client.logger.warning("container not killed", metadata: ["docker.container": "\(id)", "error": "\(error)"])
      }
    }
  }

  /// Removes a container of `--rm` with its anonymous volumes, whatever became of it.
  private func removeForCertain(_ id: ContainerID) async {
    let client = client
    await shieldedFromCancellation {
      do throws(DockerEngineError) {
        try await client.remove(id, force: true, volumes: true)
      } catch  where error.code == .notFound {
        // Someone else was faster.
      } catch {
        client.logger.warning("container not removed", metadata: ["docker.container": "\(id)", "error": "\(error)"])
      }
    }
  }
}
