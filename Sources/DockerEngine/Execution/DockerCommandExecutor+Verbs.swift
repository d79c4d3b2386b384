// SPDX-License-Identifier: Apache-2.0

/// The verbs that act on containers by name.
extension DockerCommandExecutor {
  /// Acts on each container in turn, printing the names of those it succeeded with; one failure is exit code 1.
  func each(
    _ names: [String],
    _ output: (OutputLine) -> Void,
    _ action: (ContainerID) async throws(DockerEngineError) -> Void
  ) async -> CommandResult {
    var exitCode: Int32 = 0
    for name in names {
      do {
        try await action(ContainerID(name))
        output(OutputLine(.standardOutput, name))
      } catch {
        output(OutputLine(.standardError, "docker: \(error)"))
        exitCode = 1
      }
    }
    return CommandResult(exitCode: exitCode)
  }

  /// Stops containers at the same time, as docker's own program does.
  func stopAll(_ options: StopOptions, _ output: (OutputLine) -> Void) async -> CommandResult {
    let client = client
    let failures = await withTaskGroup(of: (Int, DockerEngineError?).self) { group in
      for (index, name) in options.containers.enumerated() {
        group.addTask {
          do throws(DockerEngineError) {
            let id = ContainerID(name)
            try await client.requestStop(id, timeoutSeconds: options.timeoutSeconds, signal: options.signal)
            return (index, nil)
          } catch {
            return (index, error)
          }
        }
      }
      var failures: [Int: DockerEngineError] = [:]
      for await (index, failure) in group { failures[index] = failure }
      return failures
    }
    for (index, name) in options.containers.enumerated() {
      if let failure = failures[index] {
        output(OutputLine(.standardError, "docker: \(failure)"))
      } else {
        output(OutputLine(.standardOutput, name))
      }
    }
    return CommandResult(exitCode: failures.isEmpty ? 0 : 1)
  }

  func removeAll(_ options: RemoveOptions, _ output: (OutputLine) -> Void) async -> CommandResult {
    var exitCode: Int32 = 0
    for name in options.containers {
      do {
        try await client.remove(ContainerID(name), force: options.isForced, volumes: options.removesVolumes)
        output(OutputLine(.standardOutput, name))
      } catch {
        output(OutputLine(.standardError, "docker: \(error)"))
        // With -f the wish "let it not be there" is fulfilled.
        if !(options.isForced && error.code == .notFound) { exitCode = 1 }
      }
    }
    return CommandResult(exitCode: exitCode)
  }

  func pull(
    _ options: TransferOptions,
    _ credentials: RegistryCredentials,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    if options.image.tag == nil, options.image.digest == nil, !options.takesAllTags, !options.isQuiet {
      output(OutputLine(.standardOutput, "Using default tag: latest"))
    }
    let authorization = try await credentials.header(for: options.image.registry)
    try await client.pull(
      options.image,
      platform: options.platform,
      allTags: options.takesAllTags,
      authorization: authorization
    ) { line in
      if !options.isQuiet || line.stream == .standardError { output(line) }
    }
    let name =
      options.image.tag == nil && options.image.digest == nil && !options.takesAllTags
      ? "\(options.image):latest" : "\(options.image)"
    output(OutputLine(.standardOutput, name))
    return CommandResult(exitCode: 0)
  }
}
