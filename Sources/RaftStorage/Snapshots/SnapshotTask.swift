// SPDX-License-Identifier: Apache-2.0
import Glibc
import Raft
import Synchronization

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
    // Without a thread it is written at once: late is better than never.
    if !BackgroundThread.start(name: "snapshot", { self.write() }) { write() }
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

/// Threads for work on the disk that nobody waits for.
enum BackgroundThread {
  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a detached thread; false when the system refuses one.
  static func start(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let code = pthread_create(&thread, &attributes, { Self.run($0) }, start.toOpaque())
    if code != 0 { start.release() }
    return code == 0
  }

  private static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    // Less urgent than the replica: on Linux this is the thread alone. It does not matter when the system refuses it.
    _ = nice(5)
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    if descriptor >= 0 {
      _ = Glibc.write(descriptor, start.name, start.name.utf8.count)
      close(descriptor)
    }
    start.body()
    return nil
  }
}
