// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Synchronization

/// What waits for the registrator's next turn; changes that come faster than turns merge.
final class PendingWork: Sendable {
  struct Work: Equatable {
    /// Whether records are to be kept alive.
    var isRefreshDue = false
    /// Whether everything is to be read again.
    var isEverythingStale = false
    /// Containers to be read again; more than ``PendingWork/changeLimit`` become "everything".
    var changed: Set<ContainerID> = []
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
      if work.changed.count > Self.changeLimit {
        work.isEverythingStale = true
        work.changed = []
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

  /// Gives back what could not be done.
  func giveBack(_ failed: Work) {
    add { work in
      work.isRefreshDue = work.isRefreshDue || failed.isRefreshDue
      work.isEverythingStale = work.isEverythingStale || failed.isEverythingStale
      work.changed.formUnion(failed.changed)
    }
  }
}
