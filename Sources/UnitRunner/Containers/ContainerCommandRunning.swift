// SPDX-License-Identifier: Apache-2.0
public import DockerEngine

/// What supervision needs of a container engine.
public protocol ContainerCommandRunning: Sendable {
  /// Carries out a whole command, as docker's own program would.
  func execute(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async -> CommandResult

  /// Makes or finds the container of a foreground command, without starting it.
  func begin(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> ForegroundContainer

  /// Starts a container; one that runs already stays as it is.
  func start(_ id: ContainerID) async throws(DockerEngineError)

  /// Waits until a container does not run, for as long as it takes.
  ///
  /// `wasEndedByOthers` is asked once it has ended: whether it is to be found out who ended it.
  func wait(
    _ id: ContainerID,
    wasEndedByOthers: @Sendable () -> Bool
  ) async throws(DockerEngineError) -> ContainerExit

  /// Hands over a container's output from `since` until it ends.
  func followLogs(
    _ id: ContainerID,
    since: LogCursor?,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError)

  /// Sends a signal to a container's process.
  func kill(_ id: ContainerID, signal: String) async throws(DockerEngineError)

  /// Ends a container's process for certain.
  func stop(_ id: ContainerID, timeout: Duration?) async throws(DockerEngineError)

  /// Removes a container.
  func remove(_ id: ContainerID, force: Bool, volumes: Bool) async throws(DockerEngineError)

  /// Reads a container's state.
  func inspectState(_ id: ContainerID) async throws(DockerEngineError) -> ContainerState

  /// Whether the engine takes requests.
  func checkReachable() async throws(DockerEngineError)

  /// Lists containers, those that do not run too, that have these labels.
  func containers(labels: [String: String]) async throws(DockerEngineError) -> [ContainerSummary]

  /// Reads where a container comes from.
  func provenance(of id: ContainerID) async throws(DockerEngineError) -> ContainerProvenance
}

/// The Docker Engine as supervision's container engine.
public struct DockerEngineContainers: ContainerCommandRunning {
  private let executor: DockerCommandExecutor

  /// Makes it from a client of the engine.
  public init(client: DockerEngineClient) {
    executor = DockerCommandExecutor(client: client)
  }

  /// Carries out a whole command, as docker's own program would.
  public func execute(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async -> CommandResult {
    await executor.execute(line, for: caller, output: output)
  }

  /// Makes or finds the container of a foreground command.
  public func begin(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> ForegroundContainer {
    try await executor.begin(line, for: caller, output: output)
  }

  /// Starts a container.
  public func start(_ id: ContainerID) async throws(DockerEngineError) {
    try await executor.client.start(id)
  }

  /// Waits until a container does not run.
  public func wait(
    _ id: ContainerID,
    wasEndedByOthers: @Sendable () -> Bool
  ) async throws(DockerEngineError) -> ContainerExit {
    try await executor.client.wait(id, wasEndedByOthers: wasEndedByOthers)
  }

  /// Hands over a container's output.
  public func followLogs(
    _ id: ContainerID,
    since: LogCursor?,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    try await executor.client.followLogs(id, since: since, output: output)
  }

  /// Sends a signal to a container's process.
  public func kill(_ id: ContainerID, signal: String) async throws(DockerEngineError) {
    try await executor.client.kill(id, signal: signal)
  }

  /// Ends a container's process for certain.
  public func stop(_ id: ContainerID, timeout: Duration?) async throws(DockerEngineError) {
    try await executor.client.stop(id, timeout: timeout)
  }

  /// Removes a container.
  public func remove(_ id: ContainerID, force: Bool, volumes: Bool) async throws(DockerEngineError) {
    try await executor.client.remove(id, force: force, volumes: volumes)
  }

  /// Reads a container's state.
  public func inspectState(_ id: ContainerID) async throws(DockerEngineError) -> ContainerState {
    try await executor.client.inspectState(id)
  }

  /// Whether the engine takes requests.
  public func checkReachable() async throws(DockerEngineError) {
    try await executor.client.checkReachable()
  }

  /// Lists containers that have these labels.
  public func containers(labels: [String: String]) async throws(DockerEngineError) -> [ContainerSummary] {
    try await executor.client.listContainers(all: true, labels: labels)
  }

  /// Reads where a container comes from.
  public func provenance(of id: ContainerID) async throws(DockerEngineError) -> ContainerProvenance {
    try await executor.client.provenance(of: id)
  }
}
