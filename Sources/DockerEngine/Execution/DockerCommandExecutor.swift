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

  /// Carries out a whole command, as docker's own program would; problems are told on standard error.
  ///
  /// A foreground `run` or `start -a` lasts as long as its container; when the task is cancelled meanwhile, the
  /// container is killed (and removed with `--rm`), so nothing is left running.
  public func execute(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async -> CommandResult {
    do throws(DockerEngineError) {
      try checkEngine(of: line)
      warn(line, output)
      switch line.command {
      case .run(let specification): return try await run(specification, line, for: caller, output: output)
      case .create(let specification):
        output(OutputLine(.standardOutput, try await create(specification, for: caller, output: output).rawValue))
        return CommandResult(exitCode: 0)
      case .start(let options) where options.isAttached:
        return await runAttached(try await begin(line, for: caller, output: output), output: output)
      case .start(let options):
        return await each(options.containers, output) { id throws(DockerEngineError) in try await client.start(id) }
      case .stop(let options): return await stopAll(options, output)
      case .kill(let options):
        return await each(options.containers, output) { id throws(DockerEngineError) in
          try await client.kill(id, signal: options.signal ?? "KILL")
        }
      case .remove(let options): return await removeAll(options, output)
      case .pull(let options): return try await pull(options, output)
      case .listing(let listing): return try await list(listing, output)
      case .help(let text):
        for text in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
          output(OutputLine(.standardOutput, String(text)))
        }
        return CommandResult(exitCode: 0)
      default: throw DockerEngineError(.badRequest, "this command is not supported yet")
      }
    } catch {
      output(OutputLine(.standardError, "docker: \(error)"))
      return CommandResult(exitCode: Self.refusalExitCode(of: line.command))
    }
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
      let id = try await create(specification.withoutStandardInput(), for: caller, output: output)
      return ForegroundContainer(id: id, removesOnExit: specification.removesOnExit)
    case .start(let options) where options.isAttached:
      let details = try await client.inspect(options.containers[0])
      // What earlier runs wrote is not shown again.
      let position = await client.endOfLog(of: details)
      return ForegroundContainer(id: details.id, removesOnExit: false, logPosition: position)
    default:
      throw DockerEngineError(.badRequest, "the command does not run in the foreground")
    }
  }

  private func checkEngine(of line: DockerCommandLine) throws(DockerEngineError) {
    guard let wanted = line.engineURL, wanted != client.url else { return }
    throw DockerEngineError(.badRequest, "-H \(wanted): only the machine's own engine, \(client.url), is supported")
  }

  private func warn(_ line: DockerCommandLine, _ output: (OutputLine) -> Void) {
    for warning in line.warnings { output(OutputLine(.standardError, "docker: warning: \(warning)")) }
  }

  private static func refusalExitCode(of command: DockerCommand) -> Int32 {
    if case .run = command { return 125 }
    return 1
  }
}
