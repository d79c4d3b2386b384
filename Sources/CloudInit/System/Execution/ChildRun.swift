// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc

/// A program that is run to its end, in a session of its own, and whose output is read line by line.
///
/// Concurrency: ``run(_:said:)`` blocks; see ``OwnThread``.
struct ChildRun {
  /// How a program ended.
  enum End: Equatable, CustomStringConvertible {
    case exited(Int32)
    case killed(Int32)

    var description: String {
      switch self {
      case .exited(let status): "it ended with status \(status)"
      case .killed(let signal): "it was killed by signal \(signal)"
      }
    }
  }

  let program: String
  /// What the program is called, and its arguments.
  let words: [String]
  /// `NAME=VALUE`.
  let environment: [String]

  private static let longestLineBytes = 8_192
  /// How often it is looked whether a program that was asked to end has to be killed.
  private static let pauseMilliseconds: Int32 = 500

  static func variables(_ given: [String: String]) -> [String] {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return ["PATH": path, "HOME": "/root", "LANG": "C.UTF-8"].merging(given) { $1 }
      .sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }

  /// Runs the program.
  ///
  /// What it leaves running may go on, but is not listened to any more once the program itself has ended.
  ///
  /// - Parameters:
  ///   - stop: Ends the program early.
  ///   - said: Called with every line of its output and errors; overlong lines come in pieces.
  /// - Returns: How the program ended.
  /// - Throws: ``FileTree/Failure`` when it cannot be started.
  func run(_ stop: ChildStop, said: (String) -> Void) throws(FileTree.Failure) -> End {
    var ends: [Int32] = [0, 0]
    guard unit_pipe(&ends) == 0 else { throw FileTree.Failure("run \(program)", number: errno) }
    defer { close(ends[0]) }
    let started = spawn(output: ends[1])
    close(ends[1])
    guard started.pid > 0, started.step == UNIT_SPAWN_DONE else {
      throw FileTree.Failure("run \(program)", number: started.error)
    }
    defer { close(started.pidfd) }
    stop.watch(started.pid)
    var lines = OutputLines(limitBytes: Self.longestLineBytes)
    var code: Int32 = 0
    var watched = [
      pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0),
      pollfd(fd: started.pidfd, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      poll(&watched, 2, Self.pauseMilliseconds)
      // A negative descriptor is passed over: nobody is left who could say anything.
      if watched[0].revents != 0, !read(ends[0], &lines, said) { watched[0].fd = -1 }
      guard stop.reap(started.pid, &code) else { continue }
      drain(watched[0].fd, &lines, said)
      let signal = code & 0x7f
      return signal == 0 ? .exited((code >> 8) & 0xff) : .killed(signal)
    }
  }

  /// Takes what was said before the end.
  private func drain(_ descriptor: Int32, _ lines: inout OutputLines, _ said: (String) -> Void) {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // What the program left running may go on talking for ever.
    var left = 1 << 20
    while descriptor >= 0, left > 0, poll(&watched, 1, 0) > 0, read(descriptor, &lines, said) {
      left -= Self.chunkBytes
    }
    lines.flush(said)
  }

  private static let chunkBytes = 4_096

  /// Takes what has been said; false once nobody can say anything any more.
  private func read(_ descriptor: Int32, _ lines: inout OutputLines, _ said: (String) -> Void) -> Bool {
    var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    let count = Glibc.read(descriptor, &chunk, chunk.count)
    if count < 0 { return errno == EINTR || errno == EAGAIN }
    guard count > 0 else { return false }
    lines.take(chunk[..<count], said)
    return true
  }

  /// Starts it in `/`, in a session of its own so that all of it can be ended.
  private func spawn(output: Int32) -> unit_spawn_result {
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(input) }
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    return program.withCString { path in
      arguments.withUnsafeMutableBufferPointer { arguments in
        variables.withUnsafeMutableBufferPointer { variables in
          var request = unit_spawn_request()
          request.path = path
          request.argv = UnsafePointer(arguments.baseAddress)
          request.envp = UnsafePointer(variables.baseAddress)
          request.umask = 0o022
          request.stdin_fd = input
          request.stdout_fd = output
          request.stderr_fd = output
          return unit_spawn(&request)
        }
      }
    }
  }
}

/// Puts together the lines of an output.
struct OutputLines {
  private var line: [UInt8] = []
  private let limitBytes: Int

  init(limitBytes: Int) {
    self.limitBytes = limitBytes
  }

  mutating func take(_ bytes: ArraySlice<UInt8>, _ said: (String) -> Void) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        said(String(decoding: line, as: UTF8.self))
        line = []
      } else {
        line.append(byte)
        if line.count == limitBytes { flush(said) }
      }
    }
  }

  /// Passes on what stands behind the last line.
  mutating func flush(_ said: (String) -> Void) {
    if !line.isEmpty { said(String(decoding: line, as: UTF8.self)) }
    line = []
  }
}
