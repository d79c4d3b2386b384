// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Glibc

/// The command that `exec-watch` runs for each change, told of it by its environment.
///
/// Each run starts as soon as its change is seen, whether or not earlier ones have ended, as in the original; but no
/// more than ``maximumRunning`` at a time, so that a burst of changes cannot fill the machine.
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/exec_watch_command.go`.
struct ChangeCommand {
  static let maximumRunning = 64

  private let words: [String]
  private var running = 0

  /// Describes a command: a program, looked up on the PATH, and its arguments.
  init(_ words: [String]) {
    precondition(!words.isEmpty, "a command has a program")
    self.words = words
  }

  /// Runs the command for a change; those of directories are told and skipped.
  ///
  /// - Returns: The exit code when the command cannot be started.
  mutating func run(for event: Event, _ output: CommandOutput) -> Int32? {
    guard !event.node.isDirectory else {
      output.errorLine("Ignored dir \(event.node.key) change")
      return nil
    }
    reap()
    let code = start(Self.variables(for: event))
    guard code == 0 else {
      output.errorLine("cannot run \(words[0]): \(String(cString: strerror(code)))")
      return KeyValueExit.badArguments
    }
    running += 1
    return nil
  }

  /// What a command is told of a change.
  static func variables(for event: Event) -> [(name: String, value: String)] {
    [
      ("ETCD_WATCH_ACTION", event.action.rawValue),
      ("ETCD_WATCH_MODIFIED_INDEX", event.node.modifiedIndex.description),
      ("ETCD_WATCH_KEY", event.node.key),
      ("ETCD_WATCH_VALUE", event.node.value ?? ""),
    ]
  }

  /// Takes note of what has ended; waits for an end when too many run.
  private mutating func reap() {
    while running > 0 {
      let id = waitpid(-1, nil, running < Self.maximumRunning ? WNOHANG : 0)
      if id < 0 && errno == EINTR { continue }
      guard id > 0 else { return }
      running -= 1
    }
  }

  private func start(_ variables: [(name: String, value: String)]) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What this program ignores its children need not.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

    var environment = environmentVariables()
    for (name, value) in variables { environment[name] = value }
    let pairs = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var entries: [UnsafeMutablePointer<CChar>?] = pairs.map { strdup($0) } + [nil]
    defer { for text in arguments + entries { free(text) } }
    var child: pid_t = 0
    return posix_spawnp(&child, words[0], &actions, &attributes, &arguments, &entries)
  }
}
