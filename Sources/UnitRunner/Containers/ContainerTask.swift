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
    /// A command that stands for a container; one that is there already is taken over. When it is begun again, there may
    /// be one that nobody could note.
    case foreground(DockerCommandLine, DockerCaller, existing: RecordedContainer?, isAgain: Bool)
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

/// What is worth saying about a container's end beside its status.
enum ContainerRemark: String, Sendable {
  case outOfMemory = "out of memory"
  case stopped = "stopped on request"
  case endedWithEngine = "with its engine"

  /// What the journal says.
  var sentence: String {
    switch self {
    case .outOfMemory: "Its container was killed for lack of memory."
    case .stopped: "Its container was stopped through the Docker Engine."
    case .endedWithEngine: "Its container ended with the Docker Engine, which was shutting down."
    }
  }
}

/// Containers that the supervision itself has sent a signal, so that nobody needs to be asked who ended them.
final class SignalledContainers: Sendable {
  private let ids = Mutex<Set<ContainerID>>([])

  func insert(_ id: ContainerID) { ids.withLock { _ = $0.insert(id) } }
  func remove(_ id: ContainerID) { ids.withLock { _ = $0.remove(id) } }
  func contains(_ id: ContainerID) -> Bool { ids.withLock { $0.contains(id) } }
}

/// Carries out ``ContainerTask``s and tells the supervision how they went.
///
/// An engine that cannot be reached is waited for: how long a command may take is its unit's to say.
struct ContainerTaskRunner: Sendable {
  /// How long the last lines of a container that has ended are waited for.
  static let logGrace = Duration.seconds(2)
  /// The pause between looks for an engine that is away: nothing tells that it is back.
  private static let lookAgain = Duration.milliseconds(500)

  let containers: any ContainerCommandRunning
  let inbox: SupervisionInbox
  let signalled: SignalledContainers

  /// Carries out one task; tells nothing when the supervision itself is being ended.
  func run(_ task: ContainerTask) async {
    await task.cancellation.run {
      switch task.work {
      case .execute(let line, let caller): await execute(task, line, caller)
      case .foreground(let line, let caller, let existing, let isAgain):
        await foreground(task, line, caller, existing, isAgain: isAgain)
      case .signal(let signal, let container): await send(task, signal, container)
      }
    }
  }

  // MARK: The engine

  private static func isAway(_ error: DockerEngineError) -> Bool {
    error.code == .unreachable || error.code == .timedOut
  }

  /// Returns once the engine takes requests.
  private func engine(for task: ContainerTask) async throws(DockerEngineError) {
    var isFirst = true
    while true {
      do {
        return try await containers.checkReachable()
      } catch {
        guard Self.isAway(error) else { throw error }
        if isFirst { say("waiting for the Docker Engine: \(error)", task) }
        isFirst = false
      }
      do {
        try await Task.sleep(for: Self.lookAgain)
      } catch {
        throw DockerEngineError(.cancelled, "wait for the Docker Engine: cancelled")
      }
    }
  }

  // MARK: Commands

  private func execute(_ task: ContainerTask, _ line: DockerCommandLine, _ caller: DockerCaller) async {
    do {
      try await engine(for: task)
    } catch {
      guard error.code != .cancelled else { return }
      say("docker: \(error)", task)
      return tellEnd(task, .exited(125))
    }
    let result = await containers.execute(line, for: caller) { write($0, task) }
    tellEnd(task, .exited(result.exitCode))
  }

  private func foreground(
    _ task: ContainerTask,
    _ line: DockerCommandLine,
    _ caller: DockerCaller,
    _ existing: RecordedContainer?,
    isAgain: Bool
  ) async {
    var prepared: ForegroundContainer?
    do {
      guard let (container, isFound) = try await prepare(task, line, caller, existing, isAgain: isAgain) else { return }
      prepared = container
      try await start(task, container, existing, mayHaveBeenStarted: isFound)
      inbox.post { $0?.containerStarted(task.id) }
      let exit = try await attend(task, container)
      signalled.remove(container.id)
      await removeIfAsked(container)
      tellEnd(task, Self.end(exit), Self.remark(exit))
    } catch {
      guard error.code != .cancelled else { return }
      say("docker: \(error)", task)
      guard let prepared else { return tellEnd(task, .exited(125)) }
      await removeIfAsked(prepared)
      tellEnd(task, existing != nil && error.code == .notFound ? .lost : .exited(error.startExitCode))
    }
  }

  /// The container, recorded before it is started, and whether it was there before; nil when nobody wants it any more.
  private func prepare(
    _ task: ContainerTask,
    _ line: DockerCommandLine,
    _ caller: DockerCaller,
    _ existing: RecordedContainer?,
    isAgain: Bool
  ) async throws(DockerEngineError) -> (ForegroundContainer, isFound: Bool)? {
    if let existing { return (existing.foreground, true) }
    let (container, isFound) = try await made(task, line, caller, isAgain: isAgain)
    let isWanted = await withCheckedContinuation { continuation in
      inbox.post { continuation.resume(returning: $0?.containerPrepared(task.id, container) ?? false) }
    }
    if isWanted { return (container, isFound) }
    if case .run = line.command { await remove(container) }
    return nil
  }

  /// Makes the container, once: when the answer is lost with the engine, or was lost with an earlier node, it is looked for
  /// by its label before another one is made.
  private func made(
    _ task: ContainerTask,
    _ line: DockerCommandLine,
    _ caller: DockerCaller,
    isAgain: Bool
  ) async throws(DockerEngineError) -> (ForegroundContainer, isFound: Bool) {
    var mayBeThere = isAgain
    while true {
      try await engine(for: task)
      do {
        if mayBeThere, let found = try await found(caller) { return (found, true) }
        return (try await containers.begin(line, for: caller) { write($0, task) }, false)
      } catch {
        guard Self.isAway(error) else { throw error }
        mayBeThere = true
      }
    }
  }

  private func found(_ caller: DockerCaller) async throws(DockerEngineError) -> ForegroundContainer? {
    guard let key = caller.labels[ContainerLabel.command] else { return nil }
    let rows = try await containers.containers(labels: caller.labels.filter { $0.key == ContainerLabel.command })
    return rows.first { $0.labels[ContainerLabel.command] == key }.map {
      ForegroundContainer(id: $0.id, removesOnExit: $0.labels[ContainerLabel.removes] != nil)
    }
  }

  /// Starts the container, once: whether an engine that was lost meanwhile has done so is looked up.
  private func start(
    _ task: ContainerTask,
    _ container: ForegroundContainer,
    _ existing: RecordedContainer?,
    mayHaveBeenStarted: Bool
  ) async throws(DockerEngineError) {
    if let existing, existing.isStarted { return }
    var mayHaveBeenStarted = mayHaveBeenStarted
    while true {
      do {
        if mayHaveBeenStarted {
          let state = try await containers.inspectState(container.id)
          let hasRunBefore = existing?.hasRunBefore ?? (container.logCursor != nil)
          guard state.status == .created || (hasRunBefore && !state.isRunning) else { return }
        }
        return try await containers.start(container.id)
      } catch {
        guard Self.isAway(error) else { throw error }
        mayHaveBeenStarted = true
        try await engine(for: task)
      }
    }
  }

  private func removeIfAsked(_ container: ForegroundContainer) async {
    if container.removesOnExit { await remove(container) }
  }

  /// Removes a container, whatever became of it; an engine that is away is waited for, as the name is wanted again.
  private func remove(_ container: ForegroundContainer) async {
    while !Task.isCancelled {
      do {
        return try await containers.remove(container.id, force: true, volumes: true)
      } catch {
        guard Self.isAway(error) || error.code == .engineFailure else { return }
      }
      try? await Task.sleep(for: Self.lookAgain)
    }
  }

  /// Follows the output beside waiting for the end.
  private func attend(
    _ task: ContainerTask,
    _ container: ForegroundContainer
  ) async throws(DockerEngineError) -> ContainerExit {
    let result = await withTaskGroup(of: Result<ContainerExit?, DockerEngineError>.self) { group in
      group.addTask {
        await followOutput(task, container)
        return .success(nil)
      }
      group.addTask {
        do throws(DockerEngineError) {
          return .success(try await containers.wait(container.id) { !signalled.contains(container.id) })
        } catch {
          return .failure(error)
        }
      }
      defer { group.cancelAll() }
      var exit: ContainerExit?
      var isLogOver = false
      while !(isLogOver && exit != nil), let result = await group.next() {
        switch result {
        case .failure: return result
        case .success(nil): isLogOver = true
        case .success(let ended):
          exit = ended
          group.addTask {
            try? await Task.sleep(for: Self.logGrace)
            return .success(nil)
          }
        }
      }
      return .success(exit)
    }
    guard let exit = try result.get() else {
      throw DockerEngineError(.cancelled, "waiting for container \(container.id.short)")
    }
    return exit
  }

  /// Hands the output over until its end; an engine that is restarted ends the stream, and it goes on behind that.
  private func followOutput(_ task: ContainerTask, _ container: ForegroundContainer) async {
    let cursor = Mutex(container.logCursor)
    for attempt in 0..<1000 {
      do {
        return try await containers.followLogs(container.id, since: cursor.withLock { $0 }) { line in
          cursor.withLock { cursor in
            var next = cursor ?? LogCursor()
            next.pass(line)
            cursor = next
          }
          write(line, task)
        }
      } catch {
        guard error.code != .notFound, error.code != .cancelled else { return }
      }
      try? await Task.sleep(for: .milliseconds(min(5000, 100 << min(attempt, 6))))
    }
  }

  /// Sends a signal; an engine that is away gets it when it is back, so that what was to end does.
  private func send(_ task: ContainerTask, _ signal: UnixSignal, _ container: ContainerID) async {
    signalled.insert(container)
    while true {
      do {
        if signal == .kill {
          return try await containers.stop(container, timeout: .zero)
        } else {
          return try await containers.kill(container, signal: signal.description)
        }
      } catch {
        // What does not run, or is not there, needs no signal.
        guard error.code != .conflict, error.code != .notFound else { return }
        guard Self.isAway(error) else {
          return say("cannot send \(signal) to container \(container.short): \(error)", task)
        }
      }
      guard (try? await engine(for: task)) != nil else { return }
    }
  }

  // MARK: Ends

  /// How an end counts for the unit: what the engine's `stop` ended, by whatever signal it took, was asked to end, and what
  /// the engine took with it was not, even where it ended well.
  static func end(_ exit: ContainerExit) -> ProcessEnd {
    if exit.endedWithEngine { return .lost }
    if exit.exitCode == 0 { return .exited(0) }
    if exit.oomKilled { return .signaled(.kill, dumpedCore: false) }
    if exit.stoppedOnRequest { return .signaled(.terminate, dumpedCore: false) }
    return (129...192).contains(exit.exitCode)
      ? .signaled(UnixSignal(number: exit.exitCode - 128), dumpedCore: false) : .exited(exit.exitCode)
  }

  static func remark(_ exit: ContainerExit) -> ContainerRemark? {
    if exit.endedWithEngine { return .endedWithEngine }
    if exit.oomKilled, exit.exitCode != 0 { return .outOfMemory }
    return exit.stoppedOnRequest ? .stopped : nil
  }

  private func tellEnd(_ task: ContainerTask, _ end: ProcessEnd, _ remark: ContainerRemark? = nil) {
    guard !Task.isCancelled else { return }
    inbox.post { $0?.containerEnded(task.id, end, remark) }
  }

  private func say(_ text: String, _ task: ContainerTask) {
    write(OutputLine(.standardError, text), task)
  }

  private func write(_ line: OutputLine, _ task: ContainerTask) {
    let time = line.position.map { $0.nanosecondsSinceEpoch / 1000 } ?? epochMicroseconds()
    let hosted = HostedLine(epochMicroseconds: time, source: task.source, processID: nil, text: line.text)
    inbox.post(SupervisionInbox.Line(unit: task.unit, line: hosted, command: task.id, read: line))
  }
}
