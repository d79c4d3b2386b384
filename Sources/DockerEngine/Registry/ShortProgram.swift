// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A program that reads a little, writes a little and ends.
enum ShortProgram {
  /// How long it may take.
  static let timeLimit = Duration.seconds(60)

  /// Runs it on the calling thread, which it blocks.
  ///
  /// - Returns: Its exit status and standard output.
  static func run(
    _ program: String,
    _ arguments: [String],
    _ environment: [String: String],
    input: [UInt8],
    limitBytes: Int
  ) throws(DockerEngineError) -> (status: Int32, answer: [UInt8]) {
    guard let path = path(of: program, environment["PATH"] ?? "") else {
      throw DockerEngineError(.file, "\(program): not found on the PATH")
    }
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard pipe(&toChild) == 0 else { throw failure(program) }
    guard pipe(&fromChild) == 0 else {
      toChild.forEach { _ = close($0) }
      throw failure(program)
    }
    for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      posix_spawn_file_actions_destroy(&actions)
      for text in words + variables { free(text) }
    }
    var child = pid_t()
    let code = posix_spawn(&child, path, &actions, nil, &words, &variables)
    close(toChild[0])
    close(fromChild[1])
    guard code == 0 else {
      close(toChild[1])
      close(fromChild[0])
      throw DockerEngineError(.file, "start \(program): \(String(cString: strerror(code)))")
    }
    // What is written fits into the pipe.
    _ = write(toChild[1], input, input.count)
    close(toChild[1])
    let answer = output(of: child, fromChild[0], limitBytes)
    close(fromChild[0])
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, answer)
  }

  private static func output(of child: pid_t, _ descriptor: Int32, _ limitBytes: Int) -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let deadline = ContinuousClock.now + timeLimit
    while true {
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = ContinuousClock.now.duration(to: deadline).components.seconds
      let ready = left <= 0 ? 0 : poll(&wait, 1, Int32(clamping: left * 1000))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else {
        kill(child, SIGKILL)
        return answer
      }
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return answer }
      answer += buffer[..<count]
      guard answer.count <= limitBytes else {
        kill(child, SIGKILL)
        return answer
      }
    }
  }

  private static func path(of program: String, _ directories: String) -> String? {
    directories.split(separator: ":").lazy.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
  }

  private static func failure(_ program: String) -> DockerEngineError {
    DockerEngineError(.file, "start \(program): \(String(cString: strerror(errno)))")
  }
}
