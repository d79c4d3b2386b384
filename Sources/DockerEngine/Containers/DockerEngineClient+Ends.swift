// SPDX-License-Identifier: Apache-2.0
import Logging

/// How runs of containers end.
extension DockerEngineClient {
  /// Waits until a container that was started does not run, for as long as it takes.
  ///
  /// Survives restarts of the engine. May be called for a container that ended long ago.
  ///
  /// - Parameters:
  ///   - id: The container.
  ///   - wasEndedByOthers: Whether the caller has not sent the container a signal himself; asked with the exit code when it
  ///     has ended. Only then is it found out who ended it, which may take a second.
  /// - Returns: How it ended.
  /// - Throws: ``DockerEngineError/Code/notFound`` when the container is gone, `cancelled`; nothing else.
  public func wait(
    _ id: ContainerID,
    wasEndedByOthers: @Sendable () -> Bool = { true }
  ) async throws(DockerEngineError) -> ContainerExit {
    let request = EngineRequest(
      method: .post,
      path: containerPath(id, "/wait"),
      timeout: nil,
      purpose: "wait for container \(id)"
    )
    var backOff = BackOff()
    while true {
      do {
        let answer = try await performForJSON(request)
        if let code = answer["StatusCode"]?.int64 {
          return await exit(of: id, code: Int32(clamping: code), wasEndedByOthers: wasEndedByOthers)
        }
      } catch  where error.code == .notFound || error.code == .cancelled {
        throw error
      } catch {
        logger.debug("wait broke off", metadata: ["docker.container": "\(id)", "error": "\(error)"])
      }
      guard (try? await backOff.pause()) != nil else {
        throw DockerEngineError(.cancelled, "wait for container \(id): cancelled")
      }
    }
  }

  private func exit(of id: ContainerID, code: Int32, wasEndedByOthers: () -> Bool) async -> ContainerExit {
    var exit = ContainerExit(exitCode: code)
    let ended = try? await inspectState(id)
    exit.oomKilled = ended?.oomKilled ?? false
    guard wasEndedByOthers(), let startedAt = EngineTime.nanosecondsSinceEpoch(ended?.startedAt ?? "") else {
      return exit
    }
    switch await causeOfEnd(id, startedAt: startedAt) {
    case .stopped: exit.stoppedOnRequest = true
    case .engineEnded: exit.endedWithEngine = true
    case .other: break
    }
    return exit
  }

  /// Who ended a run.
  enum CauseOfEnd {
    /// The engine's `stop`, on somebody's request.
    case stopped
    /// The engine, which is shutting down.
    case engineEnded
    /// A signal, or the process itself.
    case other
  }

  /// Finds out who ended the run that began at `startedAt`.
  ///
  /// Only the order of events tells: kill → die → stop for `stop`, kill → die for `kill`. The engine remembers 256
  /// events and sends `stop` about 0.1 s after `die`, so it was no `stop` when that has not come within a second.
  ///
  /// An engine that is shutting down stops its containers in the same way, and nobody has asked for that. It goes on with
  /// the connections it has and takes no new ones, so the question is put on one of its own.
  private func causeOfEnd(_ id: ContainerID, startedAt: Int64) async -> CauseOfEnd {
    let filters = JSONObject([("type", .strings(["container"])), ("container", .strings([id.rawValue]))])
    let request = EngineRequest(
      method: .get,
      path: "/events",
      query: [
        ("since", EngineTime.sinceParameter(nanosecondsSinceEpoch: startedAt)),
        ("filters", JSONValue.object(filters).compactText),
      ],
      timeout: nil,
      purpose: "look how container \(id) ended"
    )
    do {
      let wasStopped = try await withTimeout(.seconds(1)) {
        var splitter = JSONLineSplitter()
        var history = EndOfRun()
        try await self.streamOnOwnConnection(request) { bytes in
          for event in try splitter.receive(bytes).compactMap({ EngineEvent($0) }) { history.record(event.action) }
          return history.wasStopped == nil
        }
        return history.wasStopped ?? false
      }
      return wasStopped ? .stopped : .other
    } catch {
      // Podman answers with the first event, which may not come; a socket that systemd holds takes connections for nobody.
      if error is TimeoutExpired, (try? await checkReachable()) != nil { return .other }
      return Task.isCancelled ? .other : .engineEnded
    }
  }
}

/// Finds out from the events since a run's beginning, oldest first, how the run ended.
struct EndOfRun {
  private var wasSignalled = false
  private var hasDied = false
  private var hasStopped = false

  mutating func record(_ action: EngineEvent.Action) {
    switch action {
    case .kill: wasSignalled = true
    case .die: hasDied = true
    case .stop: hasStopped = hasDied
    case .start, .destroy, .rename, .pause, .unpause, .health, .other: break
    }
  }

  /// Whether `stop` ended the run; nil while later events may still say so.
  var wasStopped: Bool? {
    guard hasDied else { return nil }
    return hasStopped ? true : wasSignalled ? nil : false
  }
}
