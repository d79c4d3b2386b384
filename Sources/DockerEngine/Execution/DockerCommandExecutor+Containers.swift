// SPDX-License-Identifier: Apache-2.0

/// The small verbs of containers.
extension DockerCommandExecutor {
  /// Acts on each container by one request, printing the names of those it succeeded with.
  func post(
    _ action: String,
    _ names: [String],
    _ purpose: String,
    _ output: (OutputLine) -> Void
  ) async -> CommandResult {
    await each(names, output) { id throws(DockerEngineError) in
      try await client.perform(
        EngineRequest(
          method: .post,
          path: client.containerPath(id, "/\(action)"),
          purpose: "\(purpose) container \(id)"
        )
      )
    }
  }

  func restart(_ options: StopOptions, _ output: (OutputLine) -> Void) async -> CommandResult {
    await each(options.containers, output) { id throws(DockerEngineError) in
      var query: [(name: String, value: String)] = []
      if let seconds = options.timeoutSeconds { query.append(("t", String(seconds))) }
      if let signal = options.signal { query.append(("signal", signal)) }
      let request = EngineRequest(
        method: .post,
        path: client.containerPath(id, "/restart"),
        query: query,
        // The stop may take any time, the start as long as a start.
        timeout: nil,
        purpose: "restart container \(id)"
      )
      try await client.perform(request)
    }
  }

  /// Prints exit codes as containers end, in the order given.
  func wait(_ names: [String], _ output: (OutputLine) -> Void) async -> CommandResult {
    var exitCode: Int32 = 0
    for name in names {
      do {
        let code = try await client.waitOnce(ContainerID(name), condition: nil)
        output(OutputLine(.standardOutput, String(code)))
      } catch {
        output(OutputLine(.standardError, "docker: \(error)"))
        exitCode = 1
      }
    }
    return CommandResult(exitCode: exitCode)
  }

  func rename(_ container: String, to name: String) async throws(DockerEngineError) -> CommandResult {
    try await client.perform(
      EngineRequest(
        method: .post,
        path: client.containerPath(ContainerID(container), "/rename"),
        query: [("name", name)],
        purpose: "rename container \(container)"
      )
    )
    return CommandResult(exitCode: 0)
  }

  func update(_ options: UpdateOptions, _ output: (OutputLine) -> Void) async -> CommandResult {
    await each(options.containers, output) { id throws(DockerEngineError) in
      let answer = try await client.perform(
        EngineRequest(
          method: .post,
          path: client.containerPath(id, "/update"),
          body: .object(options.changes),
          purpose: "update container \(id)"
        )
      )
      let warnings = (try? JSONValue(parsing: answer.body))?["Warnings"]?.elements ?? []
      for warning in warnings.compactMap(\.string) { output(OutputLine(.standardError, warning)) }
    }
  }

  func diff(_ container: String, _ output: (OutputLine) -> Void) async throws(DockerEngineError) -> CommandResult {
    let changes = try await client.performForJSON(
      EngineRequest(
        method: .get,
        path: client.containerPath(ContainerID(container), "/changes"),
        purpose: "compare container \(container) with its image"
      )
    )
    let letters = ["C", "A", "D"]
    for change in changes.elements {
      let kind = Int(change["Kind"]?.int64 ?? 0)
      let letter = letters.indices.contains(kind) ? letters[kind] : "?"
      output(OutputLine(.standardOutput, "\(letter) \(change["Path"]?.string ?? "")"))
    }
    return CommandResult(exitCode: 0)
  }

  func commit(_ options: CommitOptions, _ output: (OutputLine) -> Void) async throws(DockerEngineError) -> CommandResult
  {
    var query: [(name: String, value: String)] = [("container", options.container)]
    if let image = options.image {
      query.append(("repo", image.repository))
      query.append(("tag", image.tag ?? "latest"))
    }
    if let author = options.author { query.append(("author", author)) }
    if let message = options.message { query.append(("comment", message)) }
    if !options.pauses { query.append(("pause", "0")) }
    for change in options.changes { query.append(("changes", change)) }
    let answer = try await client.performForJSON(
      EngineRequest(
        method: .post,
        path: "/commit",
        query: query,
        body: .object(JSONObject()),
        timeout: nil,
        purpose: "commit container \(options.container)"
      )
    )
    output(OutputLine(.standardOutput, answer["Id"]?.string ?? ""))
    return CommandResult(exitCode: 0)
  }

  /// Removes a link that a name, `/CONTAINER/ALIAS`, stands for.
  func removeLinks(_ options: RemoveOptions, _ output: (OutputLine) -> Void) async -> CommandResult {
    await each(options.containers, output) { id throws(DockerEngineError) in
      try await client.perform(
        EngineRequest(
          method: .delete,
          path: client.containerPath(id),
          query: [("link", "1")],
          purpose: "remove link \(id)"
        )
      )
    }
  }
}
