// SPDX-License-Identifier: Apache-2.0

/// Carries out `docker` commands on one engine.
public struct DockerCommandExecutor: Sendable {
  /// How long the end of a container's output may take after the end of its process.
  static let logDrainTimeout = Duration.seconds(10)

  /// The engine.
  public let client: DockerEngineClient

  /// Makes an executor.
  public init(client: DockerEngineClient) {
    self.client = client
  }

  /// Carries out a unit's whole command, as docker's own program would; problems are told on standard error.
  ///
  /// A foreground `run` or `start -a` lasts as long as its container; when the task is cancelled meanwhile, the
  /// container is killed (and removed with `--rm`), so nothing is left running.
  public func execute(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async -> CommandResult {
    let console = LineConsole(output)
    let result = await carryOut(line, line.warnings, for: caller) { () async throws(DockerEngineError) in
      switch line.command {
      case .run(let specification): return try await run(specification, line, for: caller, output: output)
      case .start(let options) where options.isAttached:
        return await runAttached(try await begin(line, for: caller, output: output), output: output)
      default: return try await perform(line, for: caller, console)
      }
    } say: {
      output($0)
    }
    console.finish()
    return result
  }

  /// Carries out the whole command of somebody at a console: attached to it, with its input, terminal and signals.
  public func execute(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    console: any CommandConsole
  ) async -> CommandResult {
    await carryOut(line, line.generalWarnings, for: caller) { () async throws(DockerEngineError) in
      switch line.command {
      case .run(let specification): return try await run(specification, line, for: caller, console)
      case .start(let options) where options.isAttached: return try await startAttached(options, console)
      default: return try await perform(line, for: caller, console)
      }
    } say: {
      console.line($0)
    }
  }

  private func carryOut(
    _ line: DockerCommandLine,
    _ warnings: [String],
    for caller: DockerCaller,
    _ work: () async throws(DockerEngineError) -> CommandResult,
    say: (OutputLine) -> Void
  ) async -> CommandResult {
    do throws(DockerEngineError) {
      try checkEngine(of: line)
      for warning in warnings { say(OutputLine(.standardError, "docker: warning: \(warning)")) }
      return try await work()
    } catch {
      say(OutputLine(.standardError, "docker: \(error)"))
      return CommandResult(exitCode: Self.refusalExitCode(of: line.command))
    }
  }

  /// Every command that does not stay with a container it starts.
  private func perform(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let output: @Sendable (OutputLine) -> Void = { console.line($0) }
    switch line.command {
    case .run, .create, .start, .stop, .restart, .kill, .remove, .pause, .unpause, .wait, .rename, .update, .exec,
      .attach, .logs, .diff, .commit:
      return try await performOnContainers(line, for: caller, console)
    case .copy(let options): return try await copy(options, for: caller, console)
    case .export(let options): return try await export(options, for: caller, console)
    case .pull(let options): return try await pull(options, credentials(line, caller), output)
    case .push(let options): return try await push(options, credentials(line, caller), output)
    case .tag(let image, let name): return try await tag(image, name)
    case .removeImages(let options): return await removeImages(options, output)
    case .save(let options): return try await save(options, for: caller, console)
    case .load(let options): return try await load(options, for: caller, console)
    case .importImage(let options): return try await importImage(options, for: caller, console)
    case .build:
      throw DockerEngineError(.badRequest, "build needs docker's own program, and none is installed here")
    case .login(let options): return try await login(options, credentials(line, caller), console)
    case .logout(let registry): return try await logout(registry, credentials(line, caller), output)
    case .createNetwork(let options): return try await createNetwork(options, output)
    case .removeNetworks(let options): return await removeNamed("network", options, output)
    case .connectNetwork(let options): return try await connect(options)
    case .disconnectNetwork(let options): return try await disconnect(options)
    case .createVolume(let options): return try await createVolume(options, output)
    case .removeVolumes(let options): return await removeNamed("volume", options, output)
    case .prune(let options): return try await prune(options, console)
    case .events(let options): return try await events(options, console)
    case .listing(let listing): return try await list(listing, output)
    case .help(let text):
      await console.write(Array(text.utf8), to: .standardOutput)
      return CommandResult(exitCode: 0)
    }
  }

  private func performOnContainers(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let output: @Sendable (OutputLine) -> Void = { console.line($0) }
    switch line.command {
    case .create(let specification):
      let id = try await create(specification.removedByEngine(), line, for: caller, output: output)
      output(OutputLine(.standardOutput, id.rawValue))
      return CommandResult(exitCode: 0)
    case .start(let options):
      return await each(options.containers, output) { id throws(DockerEngineError) in try await client.start(id) }
    case .stop(let options): return await stopAll(options, output)
    case .restart(let options): return await restart(options, output)
    case .kill(let options):
      return await each(options.containers, output) { id throws(DockerEngineError) in
        try await client.kill(id, signal: options.signal ?? "KILL")
      }
    case .remove(let options):
      return options.removesLinks ? await removeLinks(options, output) : await removeAll(options, output)
    case .pause(let names): return await post("pause", names, "pause", output)
    case .unpause(let names): return await post("unpause", names, "unpause", output)
    case .wait(let names): return await wait(names, output)
    case .rename(let container, let name): return try await rename(container, to: name)
    case .update(let options): return await update(options, output)
    case .exec(let options): return try await exec(options, for: caller, console)
    case .attach(let options): return try await attach(options, console)
    case .logs(let options): return try await logs(options, console)
    case .diff(let container): return try await diff(container, output)
    case .commit(let options): return try await commit(options, output)
    default: throw DockerEngineError(.badRequest, "the command is no container's")
    }
  }

  func credentials(_ line: DockerCommandLine, _ caller: DockerCaller) -> RegistryCredentials {
    RegistryCredentials(for: caller, directory: line.configurationDirectory)
  }

  /// First step of a foreground command: makes the container (pulling its image when missing) or finds the one to
  /// start, and starts nothing.
  ///
  /// Then: keep the id, ``DockerEngineClient/start(_:)``, ``DockerEngineClient/followLogs(_:since:output:)`` beside
  /// ``DockerEngineClient/wait(_:)``, and ``DockerEngineClient/remove(_:force:volumes:)`` with volumes when
  /// `removesOnExit`, also when the start failed.
  ///
  /// - Throws: ``DockerEngineError``; `badRequest` when the command is no foreground command.
  public func begin(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> ForegroundContainer {
    try checkEngine(of: line)
    switch line.command {
    case .run(let specification) where !specification.isDetached:
      let id = try await create(specification.withoutStandardInput(), line, for: caller, output: output)
      return ForegroundContainer(id: id, removesOnExit: specification.removesOnExit)
    case .start(let options) where options.isAttached:
      let details = try await client.inspect(options.containers[0])
      // What earlier runs wrote is not shown again.
      let cursor = await client.endOfLog(of: details)
      return ForegroundContainer(id: details.id, removesOnExit: false, logCursor: cursor)
    default:
      throw DockerEngineError(.badRequest, "the command does not run in the foreground")
    }
  }

  private func checkEngine(of line: DockerCommandLine) throws(DockerEngineError) {
    guard let wanted = line.engineURL, wanted != client.url else { return }
    throw DockerEngineError(.badRequest, "-H \(wanted): only the machine's own engine, \(client.url), is supported")
  }

  private static func refusalExitCode(of command: DockerCommand) -> Int32 {
    switch command {
    case .run: 125
    default: 1
    }
  }
}
