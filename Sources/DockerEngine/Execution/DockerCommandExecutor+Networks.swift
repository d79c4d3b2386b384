// SPDX-License-Identifier: Apache-2.0

/// The verbs that change networks and volumes.
extension DockerCommandExecutor {
  func createNetwork(
    _ options: NetworkCreateOptions,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    var body = options.settings
    body["Name"] = .string(options.name)
    body["CheckDuplicate"] = .bool(true)
    let answer = try await client.performForJSON(
      EngineRequest(
        method: .post,
        path: "/networks/create",
        body: .object(body),
        purpose: "create network \(options.name)"
      )
    )
    if let warning = answer["Warning"]?.string, !warning.isEmpty {
      output(OutputLine(.standardError, "WARNING: \(warning)"))
    }
    output(OutputLine(.standardOutput, answer["Id"]?.string ?? ""))
    return CommandResult(exitCode: 0)
  }

  func connect(_ options: NetworkConnectOptions) async throws(DockerEngineError) -> CommandResult {
    var body = JSONObject([("Container", .string(options.container))])
    body["EndpointConfig"] = .object(options.endpoint)
    try await client.perform(
      EngineRequest(
        method: .post,
        path: networkPath(options.network, "/connect"),
        body: .object(body),
        purpose: "connect container \(options.container) to network \(options.network)"
      )
    )
    return CommandResult(exitCode: 0)
  }

  func disconnect(_ options: NetworkDisconnectOptions) async throws(DockerEngineError) -> CommandResult {
    let body = JSONObject([("Container", .string(options.container)), ("Force", .bool(options.isForced))])
    try await client.perform(
      EngineRequest(
        method: .post,
        path: networkPath(options.network, "/disconnect"),
        body: .object(body),
        purpose: "disconnect container \(options.container) from network \(options.network)"
      )
    )
    return CommandResult(exitCode: 0)
  }

  func createVolume(
    _ options: VolumeCreateOptions,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    var body = options.settings
    body["Driver"] = .string(options.driver)
    if let name = options.name { body["Name"] = .string(name) }
    let answer = try await client.performForJSON(
      EngineRequest(
        method: .post,
        path: "/volumes/create",
        body: .object(body),
        purpose: "create volume \(options.name ?? "without a name")"
      )
    )
    output(OutputLine(.standardOutput, answer["Name"]?.string ?? ""))
    return CommandResult(exitCode: 0)
  }

  func removeNamed(
    _ kind: String,
    _ options: RemoveNamedOptions,
    _ output: (OutputLine) -> Void
  ) async -> CommandResult {
    var exitCode: Int32 = 0
    for name in options.names {
      var request = EngineRequest(
        method: .delete,
        path: "/\(kind)s/\(EngineRequest.percentEncoded(name))",
        purpose: "remove \(kind) \(name)"
      )
      if options.isForced, kind == "volume" { request.query = [("force", "1")] }
      do {
        try await client.perform(request)
        output(OutputLine(.standardOutput, name))
      } catch {
        if options.isForced, error.code == .notFound { continue }
        output(OutputLine(.standardError, "docker: \(error)"))
        exitCode = 1
      }
    }
    return CommandResult(exitCode: exitCode)
  }

  private func networkPath(_ name: String, _ action: String) -> String {
    "/networks/\(EngineRequest.percentEncoded(name))\(action)"
  }
}
