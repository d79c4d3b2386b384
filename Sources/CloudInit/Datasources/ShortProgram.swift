// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Runs a program that says something short.
///
/// Takes the program and its arguments; nil when there is no such program, it fails, or it takes more than 5 s.
public typealias ProgramPort = @Sendable (_ arguments: [String]) async -> [UInt8]?

/// Programs of this machine.
public enum ShortProgram {
  private static let limit = Duration.seconds(5)

  /// Runs one, looked up on the PATH, and returns what it writes to standard output, up to 1.5 MiB.
  public static func output(_ arguments: [String]) async -> [UInt8]? {
    try? await OwnThread.run { run(arguments) }
  }

  private static func run(_ arguments: [String]) -> [UInt8]? {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let child = start(arguments, output: ends[1])
    close(ends[1])
    guard let child else { return nil }
    let bytes = read(ends[0])
    if bytes == nil { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return status == 0 ? bytes : nil
  }

  private static func start(_ arguments: [String], output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child = pid_t()
    guard posix_spawnp(&child, arguments[0], &actions, nil, &words, environ) == 0 else { return nil }
    return child
  }

  /// All bytes up to the end; nil when there are too many or they take too long.
  private static func read(_ descriptor: Int32) -> [UInt8]? {
    // Base64 of user-data of the largest size.
    let limitBytes = FoundUserData.userDataLimitBytes / 2 * 3
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let deadline = ContinuousClock.now + limit
    while true {
      let rest = max(.zero, deadline - .now)
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&entry, 1, Int32(rest / .milliseconds(1)))
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return nil }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count == 0 { return bytes }
      guard count > 0, bytes.count + count <= limitBytes else { return nil }
      bytes += chunk[..<count]
    }
  }
}
