// SPDX-License-Identifier: Apache-2.0
import Logging

/// One container at a time.
extension DockerEngineClient {
  func containerPath(_ id: ContainerID, _ action: String = "") -> String {
    "/containers/\(EngineRequest.percentEncoded(id.rawValue))\(action)"
  }

  /// Starts a container; one that runs already stays as it is.
  ///
  /// - Throws: ``DockerEngineError``; ``DockerEngineError/startExitCode`` tells what became of its command.
  public func start(_ id: ContainerID) async throws(DockerEngineError) {
    try await perform(
      EngineRequest(
        method: .post,
        path: containerPath(id, "/start"),
        timeout: .seconds(300),
        purpose: "start container \(id)",
        acceptedStatuses: [304]
      )
    )
  }

  /// Sends a signal to a container's process.
  ///
  /// - Throws: ``DockerEngineError``, `conflict` when it does not run.
  public func kill(_ id: ContainerID, signal: String = "KILL") async throws(DockerEngineError) {
    try await perform(
      EngineRequest(
        method: .post,
        path: containerPath(id, "/kill"),
        query: [("signal", signal)],
        purpose: "kill container \(id)"
      )
    )
  }

  /// Removes a container.
  ///
  /// - Throws: ``DockerEngineError``, `conflict` when it runs and `force` is off.
  public func remove(_ id: ContainerID, force: Bool, volumes: Bool) async throws(DockerEngineError) {
    try await perform(
      EngineRequest(
        method: .delete,
        path: containerPath(id),
        query: (force ? [("force", "1")] : []) + (volumes ? [("v", "1")] : []),
        timeout: .seconds(120),
        purpose: "remove container \(id)"
      )
    )
  }

  /// Asks the engine to end a container's process: its stop signal, then SIGKILL after the timeout.
  ///
  /// - Parameters:
  ///   - id: The container; one that does not run is no error.
  ///   - timeoutSeconds: Time before SIGKILL; nil takes the container's own, negative waits for ever.
  ///   - signal: The signal to ask with; nil takes the container's own.
  /// - Throws: ``DockerEngineError``.
  func requestStop(_ id: ContainerID, timeoutSeconds: Int64?, signal: String?) async throws(DockerEngineError) {
    var query: [(name: String, value: String)] = []
    if let timeoutSeconds { query.append(("t", String(timeoutSeconds))) }
    if let signal { query.append(("signal", signal)) }
    var limit: Duration?
    switch timeoutSeconds {
    case .some(..<0): limit = nil
    case .some(let seconds): limit = .seconds(seconds) + .seconds(30)
    case nil: limit = .seconds(try await inspect(id.rawValue).stopTimeoutSeconds ?? 10) + .seconds(30)
    }
    try await perform(
      EngineRequest(
        method: .post,
        path: containerPath(id, "/stop"),
        query: query,
        timeout: limit,
        purpose: "stop container \(id)",
        acceptedStatuses: [304]
      )
    )
  }

  /// Ends a container's process for certain: stop, then kill, then look whether it is gone.
  ///
  /// - Parameters:
  ///   - id: The container; one that does not run is no error.
  ///   - timeout: How long its process has between its stop signal and SIGKILL, in whole seconds rounded up; nil takes
  ///     the container's own.
  /// - Throws: ``DockerEngineError`` when it could not be ended; `notFound` when there is no such container.
  public func stop(_ id: ContainerID, timeout: Duration?) async throws(DockerEngineError) {
    let seconds = timeout.map { $0.components.seconds + ($0.components.attoseconds > 0 ? 1 : 0) }
    do {
      try await requestStop(id, timeoutSeconds: seconds, signal: nil)
    } catch  where error.code == .cancelled || error.code == .notFound {
      throw error
    } catch {
      logger.warning("stop failed, killing", metadata: ["docker.container": "\(id)", "error": "\(error)"])
    }
    var backOff = BackOff()
    for _ in 0..<8 {
      guard try await inspectState(id).isRunning else { return }
      do {
        try await kill(id)
      } catch  where error.code != .conflict {
        throw error
      } catch {
        // It ended between the look and the kill.
      }
      guard (try? await backOff.pause()) != nil else {
        throw DockerEngineError(.cancelled, "stop container \(id): cancelled")
      }
    }
    throw DockerEngineError(.engineFailure, "stop container \(id): it still runs after SIGKILL")
  }

  /// Reads what the engine knows of a container.
  ///
  /// - Parameters:
  ///   - nameOrID: The container.
  ///   - keepsDocument: Whether all of the answer is kept.
  /// - Returns: What is known of it.
  /// - Throws: ``DockerEngineError``, `notFound` when there is no such container.
  public func inspect(
    _ nameOrID: String,
    keepsDocument: Bool = false
  ) async throws(DockerEngineError) -> ContainerDetails {
    let json = try await inspectJSON(container: nameOrID)
    guard var details = ContainerDetails(json) else {
      throw DockerEngineError(.badAnswer, "inspect container \(nameOrID): the answer names no container")
    }
    if keepsDocument { details.document = ContainerDocument(json) }
    return details
  }

  /// Reads a container's state.
  ///
  /// - Throws: ``DockerEngineError``, `notFound` when there is no such container.
  public func inspectState(_ id: ContainerID) async throws(DockerEngineError) -> ContainerState {
    try await inspect(id.rawValue).containerState
  }

  func inspectJSON(container name: String, includesSize: Bool = false) async throws(DockerEngineError) -> JSONValue {
    guard !name.isEmpty else { throw DockerEngineError(.badRequest, "inspect: the name is empty") }
    return try await performForJSON(
      EngineRequest(
        method: .get,
        path: containerPath(ContainerID(name), "/json"),
        query: includesSize ? [("size", "1")] : [],
        purpose: "inspect container \(name)"
      )
    )
  }

  func inspectJSON(image name: String) async throws(DockerEngineError) -> JSONValue {
    return try await performForJSON(
      EngineRequest(method: .get, path: imagePath(name, "/json"), purpose: "inspect image \(name)")
    )
  }

  /// Lists containers.
  ///
  /// - Parameters:
  ///   - all: Whether those that do not run are listed too.
  ///   - labels: Labels that a container must have; an empty value takes any value.
  /// - Returns: A row for each container, newest first.
  /// - Throws: ``DockerEngineError``.
  public func listContainers(
    all: Bool,
    labels: [String: String] = [:]
  ) async throws(DockerEngineError) -> [ContainerSummary] {
    var query: [(name: String, value: String)] = all ? [("all", "1")] : []
    if !labels.isEmpty {
      let wanted = labels.sorted { $0.key < $1.key }.map { $0.value.isEmpty ? $0.key : "\($0.key)=\($0.value)" }
      query.append(("filters", JSONValue.object(JSONObject([("label", .strings(wanted))])).compactText))
    }
    let rows = try await performForJSON(
      EngineRequest(method: .get, path: "/containers/json", query: query, purpose: "list containers")
    )
    return rows.elements.compactMap { ContainerSummary($0) }
  }
}

extension DockerEngineError {
  /// The exit code of a `docker run` or `docker start -a` whose start failed so: 127 when the command is not there, 126
  /// when it cannot be executed, else 125.
  ///
  /// Source: docker CLI `cli/command/container/run.go`, `toStatusError`.
  public var startExitCode: Int32 {
    if message.contains("executable file not found") || message.contains("no such file or directory") { return 127 }
    if message.contains("permission denied") || message.contains("is a directory") { return 126 }
    return 125
  }
}
