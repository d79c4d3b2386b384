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
    var labels: [String: String] = [:]
    var exit = ContainerExit(exitCode: 0)
  }

  private struct State {
    var containers: [String: Container] = [:]
    var log: [String] = []
    var count = 0
    var beginDelay = Duration.zero
    var ignoresTerm = false
    /// Whether it cannot be reached.
    var isAway = false
    /// Calls that it carries out before it goes away, without an answer.
    var unanswered: Set<String> = []
    var imageLabels: [String: [String: String]] = [:]
    var volumes: Set<String> = []
    /// What containers say after their first line.
    var said: [String] = []
    var startRefusal: DockerEngineError?
  }

  private let state = Mutex(State())

  /// What was asked for so far.
  var log: [String] { state.withLock { $0.log } }

  func container(_ name: String) -> Container? {
    state.withLock { $0.containers.values.first { $0.name == name } }
  }

  func setBeginDelay(_ delay: Duration) { state.withLock { $0.beginDelay = delay } }
  func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
  var isAway: Bool { state.withLock { $0.isAway } }

  /// The next call of this kind is carried out, and its answer lost with the engine.
  func loseAnswer(of call: String) { state.withLock { _ = $0.unanswered.insert(call) } }

  func say(_ text: String) { state.withLock { $0.said.append(text) } }
  func refuseStart(_ error: DockerEngineError) { state.withLock { $0.startRefusal = error } }

  /// A container that somebody else made.
  func put(
    _ name: String,
    labels: [String: String],
    isRunning: Bool = true,
    hasRun: Bool = true,
    imageLabels: [String: String] = [:],
    hasVolumes: Bool = false
  ) {
    state.withLock { state in
      state.containers[name] = Container(
        id: name,
        name: name,
        removes: false,
        isRunning: isRunning,
        hasRun: hasRun,
        labels: labels
      )
      state.imageLabels[name] = imageLabels
      if hasVolumes { state.volumes.insert(name) }
    }
  }

  var names: [String] { state.withLock { $0.containers.values.map(\.name).sorted() } }

  private func reach() throws(DockerEngineError) {
    if isAway { throw DockerEngineError(.unreachable, "the engine cannot be reached") }
  }

  private func answer(_ call: String) throws(DockerEngineError) {
    let isLost = state.withLock { state in
      guard state.unanswered.remove(call) != nil else { return false }
      state.isAway = true
      return true
    }
    if isLost { throw DockerEngineError(.unreachable, "the connection broke off") }
  }

  func checkReachable() async throws(DockerEngineError) { try reach() }

  func containers(labels: [String: String]) async throws(DockerEngineError) -> [ContainerSummary] {
    try reach()
    return state.withLock { state in
      state.containers.values.filter { container in labels.allSatisfy { container.labels[$0.key] == $0.value } }.map {
        ContainerSummary(
          id: ContainerID($0.id),
          name: $0.name,
          labels: $0.labels,
          isRunning: $0.isRunning,
          isNew: !$0.hasRun
        )
      }
    }
  }

  func provenance(of id: ContainerID) async throws(DockerEngineError) -> ContainerProvenance {
    try reach()
    return state.withLock { state in
      ContainerProvenance(
        hasVolumes: state.volumes.contains(id.rawValue),
        imageLabels: state.imageLabels[id.rawValue] ?? [:]
      )
    }
  }

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
    try reach()
    let container = state.withLock { state in
      state.count += 1
      let id = "id\(state.count)"
      state.containers = state.containers.filter { $0.value.name != specification.name }
      state.log.append("create \(specification.name ?? "-")")
      state.containers[id] = Container(
        id: id,
        name: specification.name ?? id,
        removes: specification.removesOnExit,
        labels: caller.labels
      )
      return ForegroundContainer(id: ContainerID(id), removesOnExit: specification.removesOnExit)
    }
    try answer("create")
    return container
  }

  func start(_ id: ContainerID) async throws(DockerEngineError) {
    try reach()
    note("start \(id)")
    if let refusal = state.withLock({ $0.startRefusal }) { throw refusal }
    state.withLock { state in
      state.containers[id.rawValue]?.isRunning = true
      state.containers[id.rawValue]?.hasRun = true
    }
    try answer("start")
  }

  func wait(
    _ id: ContainerID,
    wasEndedByOthers: @Sendable () -> Bool = { true }
  ) async throws(DockerEngineError) -> ContainerExit {
    while true {
      if isAway { try await pause(); continue }
      guard let container = state.withLock({ $0.containers[id.rawValue] }) else {
        throw DockerEngineError(.notFound, "no container \(id)")
      }
      if !container.isRunning { return container.exit }
      try await pause()
    }
  }

  private func pause() async throws(DockerEngineError) {
    do { try await Task.sleep(for: .milliseconds(2)) } catch { throw DockerEngineError(.cancelled, "cancelled") }
  }

  func followLogs(
    _ id: ContainerID,
    since: LogCursor?,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    let place = LogPosition(nanosecondsSinceEpoch: 1_000_000_000)
    var count = 0
    while true {
      try reach()
      let lines = ["hello from \(id)"] + state.withLock { $0.said }
      for (index, text) in lines.enumerated().dropFirst(count) {
        let position = LogPosition(nanosecondsSinceEpoch: place.nanosecondsSinceEpoch + Int64(index))
        guard since?.newest.map({ $0 < position }) ?? true else { continue }
        output(OutputLine(stream: .standardOutput, bytes: Array(text.utf8), position: position))
      }
      count = lines.count
      guard state.withLock({ $0.containers[id.rawValue]?.isRunning }) == true else { return }
      try await pause()
    }
  }

  func kill(_ id: ContainerID, signal: String) async throws(DockerEngineError) {
    try reach()
    note("kill \(id) \(signal)")
    state.withLock { state in
      if !state.ignoresTerm {
        state.containers[id.rawValue]?.isRunning = false
        state.containers[id.rawValue]?.exit = ContainerExit(exitCode: 143)
      }
    }
  }

  func stop(_ id: ContainerID, timeout: Duration?) async throws(DockerEngineError) {
    try reach()
    note("stop \(id)")
    state.withLock { state in
      state.containers[id.rawValue]?.isRunning = false
      state.containers[id.rawValue]?.exit = ContainerExit(exitCode: 137, stoppedOnRequest: true)
    }
  }

  func remove(_ id: ContainerID, force: Bool, volumes: Bool) async throws(DockerEngineError) {
    try reach()
    note("remove \(id)")
    state.withLock { $0.containers[id.rawValue] = nil }
  }

  func inspectState(_ id: ContainerID) async throws(DockerEngineError) -> ContainerState {
    try reach()
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
