// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import DockerEngine
import Glibc
import Synchronization

/// What others want the supervision's thread to do.
///
/// Concurrency: any task or thread posts; only the supervision's thread takes.
final class SupervisionInbox: Sendable {
  /// Something to do on the thread; gets nil when the supervision has ended.
  typealias Message = @Sendable (SupervisionLoop?) -> Void

  /// Lines of output that may wait; further ones are dropped and counted.
  static let lineLimit = 100_000

  /// A line of a unit's output that did not come from a process of the unit-host.
  struct Line: Sendable {
    var unit: String
    var line: HostedLine
    /// The command whose container wrote it.
    var command: String
    /// As it was read, with its place in the container's log.
    var read: OutputLine
  }

  private struct State {
    var messages: [Message] = []
    var lines: [Line] = []
    var droppedLines = 0
    var isClosed = false
  }

  private let state = Mutex(State())
  /// Readable when there is something to take.
  let wakeDescriptor: Int32

  /// Makes an empty inbox.
  init() {
    wakeDescriptor = unit_wake_descriptor()
  }

  deinit {
    Glibc.close(wakeDescriptor)
  }

  /// Posts a message; after the end it is called at once with nil.
  func post(_ message: @escaping Message) {
    let isClosed = state.withLock { state in
      if !state.isClosed { state.messages.append(message) }
      return state.isClosed
    }
    if isClosed { message(nil) } else { wake() }
  }

  /// Posts a line of output.
  func post(_ line: Line) {
    state.withLock { state in
      if state.lines.count < Self.lineLimit { state.lines.append(line) } else { state.droppedLines += 1 }
    }
    wake()
  }

  /// Takes everything posted so far.
  func take() -> (messages: [Message], lines: [Line], droppedLines: Int) {
    var counter: UInt64 = 0
    _ = read(wakeDescriptor, &counter, MemoryLayout<UInt64>.size)
    return state.withLock { state in
      defer {
        state.messages = []
        state.lines = []
        state.droppedLines = 0
      }
      return (state.messages, state.lines, state.droppedLines)
    }
  }

  /// Ends the inbox; messages not taken are called with nil.
  func close() {
    let left = state.withLock { state in
      state.isClosed = true
      defer { state.messages = [] }
      return state.messages
    }
    left.forEach { $0(nil) }
  }

  private func wake() {
    var one: UInt64 = 1
    _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
  }
}

/// Opens once, with a result; everybody who waits goes on then.
///
/// Concurrency: waiting does not end with a task's cancellation, so that a thread is not left behind.
final class Gate<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiters: [CheckedContinuation<Value, Never>] = []
  }

  private let state = Mutex(State())

  /// Opens the gate; later calls have no effect.
  func open(_ value: Value) {
    let waiters = state.withLock { state -> [CheckedContinuation<Value, Never>] in
      guard state.value == nil else { return [] }
      state.value = value
      defer { state.waiters = [] }
      return state.waiters
    }
    waiters.forEach { $0.resume(returning: value) }
  }

  /// Waits until the gate is open.
  func wait() async -> Value {
    await withCheckedContinuation { continuation in
      let value = state.withLock { state -> Value? in
        if state.value == nil { state.waiters.append(continuation) }
        return state.value
      }
      if let value { continuation.resume(returning: value) }
    }
  }
}
