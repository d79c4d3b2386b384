// SPDX-License-Identifier: Apache-2.0
import Glibc
import Raft
import Synchronization
import Threads

/// A snapshot of this member's own on its way to the disk, on a thread of its own.
///
/// The replica goes on meanwhile: the state is frozen, the file is nobody else's, and the database is not touched.
final class SnapshotTask: Sendable {
  /// How far it is.
  enum Progress: Sendable {
    case writing
    case written(sizeBytes: UInt64)
    case failed(any Error)
  }

  private struct Cancelled: Error {}

  let generation: UInt64
  private let directory: String
  private let frozen: Mutex<(any FrozenState)?>
  private let progressState = Mutex(Progress.writing)
  private let isCancelled = Atomic(false)

  /// Starts to write.
  init(_ state: any FrozenState, generation: UInt64, in directory: String) {
    self.generation = generation
    self.directory = directory
    frozen = Mutex(state)
    do throws(DedicatedThread.Refused) {
      // Less urgent than the replica.
      try DedicatedThread.start(name: "snapshot", niceness: 5) { self.write() }
    } catch {
      // It is written at once then: late is better than never.
      write()
    }
  }

  var progress: Progress { progressState.withLock { $0 } }

  /// Lets it end soon; its file is removed.
  func cancel() {
    isCancelled.store(true, ordering: .relaxed)
  }

  private func write() {
    let outcome: Progress
    do {
      outcome = .written(sizeBytes: try writeFile())
    } catch {
      unlink(SnapshotFile.path(generation, in: directory))
      outcome = .failed(error)
    }
    progressState.withLock { $0 = outcome }
  }

  private func writeFile() throws -> UInt64 {
    // Taken out, so that what the state holds is let go of as soon as it is written.
    let state = frozen.withLock { frozen in
      defer { frozen = nil }
      return frozen
    }
    let writer = try SnapshotWriter(generation, in: directory)
    try state?.writeSnapshot { bytes in
      if isCancelled.load(ordering: .relaxed) { throw Cancelled() }
      try writer.append(bytes)
    }
    try writer.finish()
    return writer.sizeBytes
  }
}
