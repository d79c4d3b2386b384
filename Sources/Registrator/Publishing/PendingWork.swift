// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Synchronization

/// What waits for the registrator's next turn; changes that come faster than turns merge.
final class PendingWork: Sendable {
  struct Work: Equatable {
    /// Whether records are to be kept alive.
    var isRefreshDue = false
    /// Whether records are to be compared with what the store really holds.
    var isCheckDue = false
    /// Whether everything is to be read again.
    var isEverythingStale = false
    /// Containers to be read again; more than ``PendingWork/changeLimit`` become "everything".
    var changed: Set<ContainerID> = []
    /// Exit codes of containers that have ended, as far as the engine said.
    var exitCodes: [ContainerID: Int32] = [:]
    /// Signals that were sent to containers.
    var signals: [ContainerID: Set<String>] = [:]

    mutating func merge(_ other: Work) {
      isRefreshDue = isRefreshDue || other.isRefreshDue
      isCheckDue = isCheckDue || other.isCheckDue
      isEverythingStale = isEverythingStale || other.isEverythingStale
      changed.formUnion(other.changed)
      exitCodes.merge(other.exitCodes) { own, _ in own }
      signals.merge(other.signals) { $0.union($1) }
    }

    mutating func add(_ change: ContainerChange) {
      switch change {
      case .everything: isEverythingStale = true
      case .container(let id): changed.insert(id)
      case .ended(let id, let exitCode):
        changed.insert(id)
        if let exitCode { exitCodes[id] = exitCode }
      case .signalled(let id, let signal):
        signals[id, default: []].insert(signal)
      }
    }
  }

  private static let changeLimit = 1_000

  /// One element for each time there is something to do.
  let wakes: AsyncStream<Void>

  private let continuation: AsyncStream<Void>.Continuation
  private let work = Mutex(Work())

  init() {
    (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  func add(_ change: (inout Work) -> Void) {
    work.withLock { work in
      change(&work)
      if max(work.changed.count, work.exitCodes.count, work.signals.count) > Self.changeLimit {
        work.isEverythingStale = true
        (work.changed, work.exitCodes, work.signals) = ([], [:], [:])
      }
    }
    continuation.yield()
  }

  /// Takes over what waits.
  func take() -> Work {
    work.withLock { work in
      defer { work = Work() }
      return work
    }
  }
}
