// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// Standard input, output and error of a process that is about to be started.
///
/// The descriptors are the unit-host's until ``close()``.
struct ProcessStreams {
  /// The three descriptors as the process gets them.
  struct Descriptors: Equatable {
    var input: Int32
    var output: Int32
    var error: Int32
  }

  /// What keeps a stream from being there.
  struct Problem: Error {
    /// systemd's exit code for it.
    var exitCode: Int32
    var text: String
  }

  let descriptors: Descriptors
  /// Where we read what goes to the journal; nil when nothing does.
  let journal: Int32?
  private let ours: [Int32]

  /// Opens what the settings name.
  ///
  /// - Throws: ``Problem``; nothing stays open then.
  ///
  /// - Parameters:
  ///   - settings: What they are to be.
  ///   - sockets: What stands for `socket`, which is one; it is not closed here.
  init(_ settings: ProcessSettings, sockets: [Int32] = []) throws(Problem) {
    var opening = Opening(settings, sockets)
    do {
      descriptors = try opening.open()
      journal = opening.pipe?.ourEnd
      ours = opening.opened
    } catch {
      for descriptor in opening.opened + (opening.pipe.map { [$0.ourEnd] } ?? []) { Glibc.close(descriptor) }
      throw error
    }
  }

  /// Closes what only the process needs.
  func close() {
    for descriptor in ours { Glibc.close(descriptor) }
  }

  /// The descriptors opened so far.
  private struct Opening {
    let settings: ProcessSettings
    let sockets: [Int32]
    var opened: [Int32] = []
    var pipe: OutputPipe?

    init(_ settings: ProcessSettings, _ sockets: [Int32]) {
      self.settings = settings
      self.sockets = sockets
    }

    private func socket(_ exitCode: Int32) throws(Problem) -> Int32 {
      guard let socket = sockets.first, sockets.count == 1 else {
        let text = "it is to have one socket for its input and output and has \(sockets.count)"
        throw Problem(exitCode: exitCode, text: text)
      }
      return socket
    }

    mutating func open() throws(Problem) -> Descriptors {
      let input = try openInput()
      let output = try openOutput(settings.output, inherited: inheritedInput(input), exitCode: 209)
      let error =
        settings.errorOutput == settings.output
        ? output : try openOutput(settings.errorOutput, inherited: output, exitCode: 222)
      return Descriptors(input: input, output: output, error: error)
    }

    private mutating func openInput() throws(Problem) -> Int32 {
      switch settings.input {
      case .null: return try keep(Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null", 208)
      case .data(let bytes):
        let descriptor = bytes.withUnsafeBytes { unit_memory_file($0.baseAddress, $0.count) }
        return try keep(descriptor, "a file in memory for standard input", 208)
      case .file(let path):
        // Opened once for both ends where output goes to the same file.
        let isShared = settings.output == .file(path) || settings.errorOutput == .file(path)
        let flags = isShared ? O_RDWR | O_CREAT : O_RDONLY
        return try keep(openPath(path, flags), path, 208)
      case .socket: return try socket(208)
      }
    }

    /// systemd gives an inheriting output nothing where there is nothing to read.
    private func inheritedInput(_ input: Int32) -> Int32? {
      switch settings.input {
      case .file, .socket: input
      case .null, .data: nil
      }
    }

    private mutating func openOutput(
      _ target: OutputTarget,
      inherited: Int32?,
      exitCode: Int32
    ) throws(Problem) -> Int32 {
      switch target {
      case .inherit:
        if let inherited { return inherited }
        return try openOutput(.null, inherited: nil, exitCode: exitCode)
      case .socket: return try socket(exitCode)
      case .null: return try keep(Glibc.open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null", exitCode)
      case .journal:
        if let pipe { return pipe.childEnd }
        guard let made = OutputPipe() else {
          throw Problem(exitCode: exitCode, text: "cannot make a pipe for its output: \(errorText(errno))")
        }
        pipe = made
        opened.append(made.childEnd)
        return made.childEnd
      case .file(let path):
        if settings.input == .file(path), let inherited = opened.first { return inherited }
        return try keep(openPath(path, O_WRONLY | O_CREAT), path, exitCode)
      case .append(let path): return try keep(openPath(path, O_WRONLY | O_CREAT | O_APPEND), path, exitCode)
      case .truncate(let path): return try keep(openPath(path, O_WRONLY | O_CREAT | O_TRUNC), path, exitCode)
      }
    }

    /// Opens without waiting for whoever is at the other end of a FIFO; a socket is connected to.
    private func openPath(_ path: String, _ flags: Int32) -> Int32 {
      let descriptor = Glibc.open(path, flags | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0o666 & ~settings.umask)
      guard descriptor >= 0 else {
        guard errno == ENXIO, let slash = path.lastIndex(of: "/") else { return -1 }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        return LocalSocket.connect(directory: directory, name: String(path[path.index(after: slash)...]))
      }
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
      return descriptor
    }

    private mutating func keep(_ descriptor: Int32, _ what: String, _ exitCode: Int32) throws(Problem) -> Int32 {
      guard descriptor >= 0 else {
        throw Problem(exitCode: exitCode, text: "cannot open \(what): \(errorText(errno))")
      }
      opened.append(descriptor)
      return descriptor
    }
  }
}

/// The pipe a process writes its output to.
///
/// The process gets an end that can be read as well. So the pipe outlives the unit-host: the process is not killed for
/// writing to a pipe without a reader, and the next unit-host opens the pipe again.
struct OutputPipe {
  /// What we read, without blocking.
  let ourEnd: Int32
  /// What the process writes to.
  let childEnd: Int32

  /// Makes a pipe; nil with errno when the kernel gives none.
  init?() {
    var ends: [Int32] = [-1, -1]
    guard unit_pipe(&ends) == 0 else { return nil }
    makeNonBlocking(ends[0])
    ourEnd = ends[0]
    let both = open("/proc/self/fd/\(ends[1])", O_RDWR | O_CLOEXEC)
    if both >= 0 {
      close(ends[1])
      childEnd = both
    } else {
      childEnd = ends[1]
    }
  }

  /// Opens the pipe again that a running process writes to; nil when it writes to something else.
  ///
  /// Standard error is looked at too: standard output may go to a file.
  static func reopen(outputOf processID: Int32) -> Int32? {
    for number in 1...2 {
      let descriptor = open("/proc/\(processID)/fd/\(number)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      var status = stat()
      // A pipe, and not a FIFO that the unit opened by its name.
      if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO,
        resolvedLink("/proc/\(processID)/fd/\(number)").hasPrefix("pipe:")
      {
        return descriptor
      }
      close(descriptor)
    }
    return nil
  }
}
