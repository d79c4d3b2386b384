// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Synchronization

@testable import UnitRunner

/// A container engine in memory: it understands real command lines and runs nothing.
final class FakeEngine: ContainerCommandRunning {
  struct Container {
    var id: String
    var name: String
    var removes: Bool
    var isRunning = false
    var hasRun = false
    var exit = ContainerExit(exitCode: 0)
  }

  private struct State {
    var containers: [String: Container] = [:]
    var log: [String] = []
    var count = 0
    var beginDelay = Duration.zero
    var ignoresTerm = false
  }

  private let state = Mutex(State())

  /// What was asked for so far.
  var log: [String] { state.withLock { $0.log } }

  func container(_ name: String) -> Container? {
    state.withLock { $0.containers.values.first { $0.name == name } }
  }

  func setBeginDelay(_ delay: Duration) { state.withLock { $0.beginDelay = delay } }
  func setIgnoresTerm() { state.withLock { $0.ignoresTerm = true } }

  /// A container's end, as if its process had ended.
  func end(_ name: String, _ exit: ContainerExit) {
    state.withLock { state in
      guard let id = state.containers.values.first(where: { $0.name == name })?.id else { return }
      state.containers[id]?.isRunning = false
      state.containers[id]?.exit = exit
    }
  }

  func execute(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async -> CommandResult {
    switch line.command {
    case .pull(let options):
      note("pull \(options.image)")
      return CommandResult(exitCode: 0)
    case .stop(let options):
      note("stop \(options.containers.joined())")
      for name in options.containers { end(name, ContainerExit(exitCode: 137, stoppedOnRequest: true)) }
      return CommandResult(exitCode: 0)
    case .remove(let options):
      note("rm \(options.containers.joined())")
      output(OutputLine(.standardError, "Error: No such container: \(options.containers.joined())"))
      return CommandResult(exitCode: 1)
    default:
      note("other")
      return CommandResult(exitCode: 0)
    }
  }

  func begin(
    _ line: DockerCommandLine,
    for caller: DockerCaller,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) -> ForegroundContainer {
    let delay = state.withLock { $0.beginDelay }
    do { try await Task.sleep(for: delay) } catch { throw DockerEngineError(.cancelled, "cancelled") }
    guard case .run(let specification) = line.command else { throw DockerEngineError(.badRequest, "no run") }
    return state.withLock { state in
      state.count += 1
      let id = "id\(state.count)"
      state.containers = state.containers.filter { $0.value.name != specification.name }
      state.log.append("create \(specification.name ?? "-")")
      state.containers[id] = Container(
        id: id,
        name: specification.name ?? id,
        removes: specification.removesOnExit
      )
      return ForegroundContainer(id: ContainerID(id), removesOnExit: specification.removesOnExit)
    }
  }

  func start(_ id: ContainerID) async throws(DockerEngineError) {
    note("start \(id)")
    state.withLock { state in
      state.containers[id.rawValue]?.isRunning = true
      state.containers[id.rawValue]?.hasRun = true
    }
  }

  func wait(_ id: ContainerID) async throws(DockerEngineError) -> ContainerExit {
    while true {
      guard let container = state.withLock({ $0.containers[id.rawValue] }) else {
        throw DockerEngineError(.notFound, "no container \(id)")
      }
      if !container.isRunning { return container.exit }
      do { try await Task.sleep(for: .milliseconds(2)) } catch { throw DockerEngineError(.cancelled, "cancelled") }
    }
  }

  func followLogs(
    _ id: ContainerID,
    since: LogPosition?,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    if since == nil {
      let position = LogPosition(nanosecondsSinceEpoch: 1_000_000_000)
      output(OutputLine(stream: .standardOutput, bytes: Array("hello from \(id)".utf8), position: position))
    }
    _ = try? await wait(id)
  }

  func kill(_ id: ContainerID, signal: String) async throws(DockerEngineError) {
    note("kill \(id) \(signal)")
    state.withLock { state in
      if !state.ignoresTerm {
        state.containers[id.rawValue]?.isRunning = false
        state.containers[id.rawValue]?.exit = ContainerExit(exitCode: 143)
      }
    }
  }

  func stop(_ id: ContainerID, timeout: Duration?) async throws(DockerEngineError) {
    note("stop \(id)")
    state.withLock { state in
      state.containers[id.rawValue]?.isRunning = false
      state.containers[id.rawValue]?.exit = ContainerExit(exitCode: 137, stoppedOnRequest: true)
    }
  }

  func remove(_ id: ContainerID, force: Bool, volumes: Bool) async throws(DockerEngineError) {
    note("remove \(id)")
    state.withLock { $0.containers[id.rawValue] = nil }
  }

  func inspectState(_ id: ContainerID) async throws(DockerEngineError) -> ContainerState {
    guard let container = state.withLock({ $0.containers[id.rawValue] }) else {
      throw DockerEngineError(.notFound, "no container \(id)")
    }
    let status: ContainerState.Status = container.isRunning ? .running : container.hasRun ? .exited : .created
    return ContainerState(status: status)
  }

  private func note(_ text: String) {
    state.withLock { $0.log.append(text) }
  }
}
