// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Glibc
import NIOPosix
import Synchronization

/// The streams and the terminal of this process, for docker's commands.
final class TerminalConsole: CommandConsole {
  /// How much is read at once.
  private static let pieceBytes = 32 * 1024

  /// Threads that may block: one reads, one writes, one waits for signals.
  private let threads = NIOThreadPool(numberOfThreads: 3)
  private let former = Mutex<termios?>(nil)

  init() {
    threads.start()
  }

  var hasInput: Bool { true }
  var isInputTerminal: Bool { isatty(STDIN_FILENO) == 1 }
  var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  var size: ConsoleSize? {
    var window = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return nil }
    return ConsoleSize(rows: Int(window.ws_row), columns: Int(window.ws_col))
  }

  func line(_ line: OutputLine) {
    let descriptor = line.stream == .standardOutput ? STDOUT_FILENO : STDERR_FILENO
    Self.writeAll(line.bytes + [UInt8(ascii: "\n")], descriptor)
  }

  func write(_ bytes: [UInt8], to stream: OutputStream) async {
    let descriptor = stream == .standardOutput ? STDOUT_FILENO : STDERR_FILENO
    try? await threads.runIfActive { Self.writeAll(bytes, descriptor) }
  }

  private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        // Somebody else has made our end one that does not wait.
        var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&room, 1, -1)
        continue
      }
      // The reader has gone: the next thing to do is to end.
      guard count > 0 else { exit(128 + SIGPIPE) }
      rest = rest.dropFirst(count)
    }
  }

  func read() async -> [UInt8]? {
    await piece(of: STDIN_FILENO)
  }

  /// What can be read next; nil at the end, and when the task is cancelled.
  private func piece(of descriptor: Int32) async -> [UInt8]? {
    guard let stop = StopPipe() else { return nil }
    defer { stop.close() }
    return await withTaskCancellationHandler {
      let bytes = try? await threads.runIfActive { Self.piece(of: descriptor, stop) }
      return bytes ?? nil
    } onCancel: {
      stop.press()
    }
  }

  /// Waits for something to read or for the button.
  private static func piece(of descriptor: Int32, _ stop: StopPipe) -> [UInt8]? {
    var waiting = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.bell, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      let ready = poll(&waiting, 2, -1)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0, waiting[1].revents == 0 else { return nil }
      var bytes = [UInt8](repeating: 0, count: pieceBytes)
      let count = Glibc.read(descriptor, &bytes, bytes.count)
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      return count > 0 ? Array(bytes[..<count]) : nil
    }
  }

  func ask(_ question: String, isSecret: Bool) async -> String? {
    try? await threads.runIfActive {
      isSecret ? TerminalDialogue.askSecretly(question) : TerminalDialogue.ask(question)
    }
  }

  func passKeysOn() {
    var settings = termios()
    guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return }
    former.withLock { $0 = settings }
    cfmakeraw(&settings)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
  }

  func restoreTerminal() {
    guard var settings = former.withLock({ $0 }) else { return }
    tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
  }

  func followSignals(_ tell: (ConsoleSignal) async -> Void) async {
    guard let bell = ProcessSignals.bell else { return }
    while let numbers = await piece(of: bell) {
      for number in numbers.map({ Int32($0) }) {
        if number == SIGWINCH {
          await tell(.sizeChanged)
        } else if let name = ProcessSignals.names[number] {
          await tell(.signal(name))
        }
      }
    }
  }
}

/// Signals of this process as bytes of a pipe; they are caught from the first use to its end.
private enum ProcessSignals {
  /// What is handed on, by the names that engines take.
  static let names: [Int32: String] = [
    SIGHUP: "HUP", SIGINT: "INT", SIGQUIT: "QUIT", SIGUSR1: "USR1", SIGUSR2: "USR2", SIGTERM: "TERM", SIGCONT: "CONT",
    SIGALRM: "ALRM",
  ]

  /// The writing end; handlers may look at nothing else.
  private static let button = Atomic<Int32>(-1)

  /// Where each signal's number can be read; nil when the system gives no pipe.
  static let bell: Int32? = {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // A handler that had to wait would stop everything.
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    button.store(ends[1], ordering: .sequentiallyConsistent)
    for number in names.keys.sorted() + [SIGWINCH] {
      signal(number) { number in
        let code = errno
        withUnsafeBytes(of: UInt8(truncatingIfNeeded: number)) { bytes in
          _ = write(ProcessSignals.button.load(ordering: .relaxed), bytes.baseAddress, 1)
        }
        errno = code
      }
    }
    return ends[0]
  }()
}

/// A pipe that ends one wait.
private struct StopPipe: Sendable {
  let bell: Int32
  private let button: Int32

  init?() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (bell, button) = (ends[0], ends[1])
  }

  func press() {
    _ = Glibc.write(button, "x", 1)
  }

  func close() {
    Glibc.close(bell)
    Glibc.close(button)
  }
}
