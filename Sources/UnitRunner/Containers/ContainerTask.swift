// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Synchronization
import Units

/// A piece of work with the container engine, carried out beside the supervision's thread.
struct ContainerTask: Sendable {
  /// What is done.
  enum Work: Sendable {
    /// A command that is over when the engine has answered.
    case execute(DockerCommandLine, DockerCaller)
    /// A command that stands for a container; one that is there already is taken over.
    case foreground(DockerCommandLine, DockerCaller, existing: RecordedContainer?)
    /// A signal for a container's process; SIGKILL ends it for certain.
    case signal(UnixSignal, ContainerID)
  }

  /// The command's id; names of signals have none of their own.
  var id: String
  var unit: String
  var source: String
  var work: Work
  /// Ends the work early.
  var cancellation: Cancellation
}

/// Ends one piece of work early.
final class Cancellation: Sendable {
  private let stream: AsyncStream<Never>
  private let continuation: AsyncStream<Never>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Ends the work; later calls have no effect.
  func cancel() {
    continuation.finish()
  }

  /// Carries out `body` until it is over or cancelled.
  func run(_ body: @escaping @Sendable () async -> Void) async {
    await withTaskGroup { group in
      group.addTask { await body() }
      group.addTask { [stream] in
        for await _ in stream {}
      }
      await group.next()
      group.cancelAll()
    }
  }
}

/// Carries out ``ContainerTask``s and tells the supervision how they went.
struct ContainerTaskRunner: Sendable {
  /// How long the last lines of a container that has ended are waited for.
  static let logGrace = Duration.seconds(2)

  let containers: any ContainerCommandRunning
  let inbox: SupervisionInbox

  /// Carries out one task; tells nothing when the supervision itself is being ended.
  func run(_ task: ContainerTask) async {
    await task.cancellation.run {
      switch task.work {
      case .execute(let line, let caller): await execute(task, line, caller)
      case .foreground(let line, let caller, let existing): await foreground(task, line, caller, existing)
      case .signal(let signal, let container): await send(task, signal, container)
      }
    }
  }

  private func execute(_ task: ContainerTask, _ line: DockerCommandLine, _ caller: DockerCaller) async {
    let result = await containers.execute(line, for: caller) { write($0.text, task) }
    tellEnd(task, .exited(result.exitCode))
  }

  private func foreground(
    _ task: ContainerTask,
    _ line: DockerCommandLine,
    _ caller: DockerCaller,
    _ existing: RecordedContainer?
  ) async {
    do {
      guard let container = try await prepare(task, line, caller, existing) else { return }
      if try await needsStart(container.id, existing) { try await containers.start(container.id) }
      inbox.post { $0?.containerStarted(task.id) }
      let exit = try await attend(task, container)
      if container.removesOnExit {
        try? await containers.remove(container.id, force: true, volumes: true)
      }
      tellEnd(task, Self.end(exit))
    } catch let error as DockerEngineError {
      guard error.code != .cancelled else { return }
      write("docker: \(error)", task)
      tellEnd(task, existing != nil && error.code == .notFound ? .lost : .exited(125))
    } catch {
      tellEnd(task, .exited(125))
    }
  }

  /// A container that was recorded may have been started or not, and may have ended since; an engine that does not
  /// answer says neither, so it is asked until it does.
  private func needsStart(_ id: ContainerID, _ existing: RecordedContainer?) async throws -> Bool {
    guard let existing, !existing.isStarted else { return existing == nil }
    while true {
      do {
        let state = try await containers.inspectState(id)
        let hasRunBefore = existing.logPositionNanoseconds != nil
        return state.status == .created || (hasRunBefore && !state.isRunning)
      } catch {
        guard error.code == .unreachable || error.code == .timedOut else { throw error }
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// The container, recorded before it is started; nil when nobody wants it any more.
  private func prepare(
    _ task: ContainerTask,
    _ line: DockerCommandLine,
    _ caller: DockerCaller,
    _ existing: RecordedContainer?
  ) async throws -> ForegroundContainer? {
    if let existing { return existing.foreground }
    let container = try await containers.begin(line, for: caller) { write($0.text, task) }
    let isWanted = await withCheckedContinuation { continuation in
      inbox.post { continuation.resume(returning: $0?.containerPrepared(task.id, container) ?? false) }
    }
    if !isWanted, container.removesOnExit {
      try? await containers.remove(container.id, force: true, volumes: true)
    }
    return isWanted ? container : nil
  }

  /// Follows the output beside waiting for the end.
  private func attend(_ task: ContainerTask, _ container: ForegroundContainer) async throws -> ContainerExit {
    try await withThrowingTaskGroup(of: ContainerExit?.self) { group in
      group.addTask {
        // An engine that is restarted ends the stream; a position lets it go on where it ended.
        let position = Mutex(container.logPosition)
        for attempt in 0..<1000 {
          do {
            try await containers.followLogs(container.id, since: position.withLock { $0 }) { line in
              if let reached = line.position { position.withLock { $0 = reached } }
              write(line.text, task, position: line.position)
            }
            return nil
          } catch {
            let code = (error as? DockerEngineError)?.code
            guard code != .notFound, code != .cancelled else { return nil }
            try await Task.sleep(for: .milliseconds(min(5000, 100 << min(attempt, 6))))
          }
        }
        return nil
      }
      group.addTask { try await containers.wait(container.id) }
      var exit: ContainerExit?
      var isLogOver = false
      while !(isLogOver && exit != nil), let result = try await group.next() {
        if let result {
          exit = result
          group.addTask {
            try await Task.sleep(for: Self.logGrace)
            return nil
          }
        } else {
          isLogOver = true
        }
      }
      group.cancelAll()
      guard let exit else { throw DockerEngineError(.cancelled, "waiting for container \(container.id.short)") }
      return exit
    }
  }

  private func send(_ task: ContainerTask, _ signal: UnixSignal, _ container: ContainerID) async {
    do {
      if signal == .kill {
        try await containers.stop(container, timeout: .zero)
      } else {
        try await containers.kill(container, signal: signal.description)
      }
    } catch {
      // What does not run, or is not there, needs no signal.
      guard error.code != .conflict, error.code != .notFound else { return }
      write("cannot send \(signal) to container \(container.short): \(error)", task)
    }
  }

  /// How an end counts for the unit: what the engine's `stop` ended, by whatever signal it took, was asked to end.
  static func end(_ exit: ContainerExit) -> ProcessEnd {
    if exit.exitCode == 0 { return .exited(0) }
    if exit.oomKilled { return .signaled(.kill, dumpedCore: false) }
    if exit.stoppedOnRequest { return .signaled(.terminate, dumpedCore: false) }
    return (129...192).contains(exit.exitCode)
      ? .signaled(UnixSignal(number: exit.exitCode - 128), dumpedCore: false) : .exited(exit.exitCode)
  }

  private func tellEnd(_ task: ContainerTask, _ end: ProcessEnd) {
    guard !Task.isCancelled else { return }
    inbox.post { $0?.commandEnded(task.id, end) }
  }

  private func write(_ text: String, _ task: ContainerTask, position: LogPosition? = nil) {
    let time = position.map { $0.nanosecondsSinceEpoch / 1000 } ?? epochMicroseconds()
    let line = HostedLine(epochMicroseconds: time, source: task.source, processID: nil, text: text)
    inbox.post(SupervisionInbox.Line(unit: task.unit, line: line, command: task.id, position: position))
  }
}
