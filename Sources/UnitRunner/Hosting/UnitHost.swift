// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc

/// The process that owns the units' processes, started by the node and living longer than it.
public enum UnitHost {
  /// Carries out `coracle unit-host --state-dir DIR`: goes into the background and owns processes until there is
  /// nothing left to own and nobody to ask.
  ///
  /// Must be called before this process has a second thread.
  ///
  /// - Parameter arguments: The words after `unit-host`.
  /// - Returns: The process's exit code.
  public static func main(arguments: [String]) -> Int32 {
    guard let arguments = Arguments(arguments) else {
      report(
        "usage: coracle unit-host --state-dir DIR [--cgroup-root PATH] [--no-cgroups]"
          + " (the node starts it; it is not for people)"
      )
      return 2
    }
    let directory = arguments.stateDirectory
    // The caller waits for the first process and so never has a child of its own that it does not know about.
    switch unit_background() {
    case -1:
      report("unit-host: cannot go into the background: \(errorText(errno))")
      return 1
    case 0: break
    default: return 0
    }
    guard let lock = takeLock("\(directory)/unit-host.lock") else { return 0 }
    defer { close(lock) }
    _ = chdir("/")
    signal(SIGPIPE, SIG_IGN)
    signal(SIGHUP, SIG_IGN)
    let settings = HostLoop.Settings(
      stateDirectory: directory,
      collectsOrphans: true,
      usesControlGroups: arguments.usesControlGroups,
      controlGroupRoot: arguments.controlGroupRoot,
      openFilesLimit: raiseOpenFilesLimit()
    )
    guard let loop = HostLoop(settings) else {
      report("unit-host: cannot listen in \(directory): \(errorText(errno))")
      return 1
    }
    loop.run()
    return 0
  }

  /// What the node says when it starts the unit-host.
  struct Arguments: Equatable {
    var stateDirectory = ""
    var controlGroupRoot: String?
    var usesControlGroups = true

    init?(_ words: [String]) {
      var rest = words[...]
      while let word = rest.popFirst() {
        switch word {
        case "--state-dir":
          guard let value = rest.popFirst() else { return nil }
          stateDirectory = value
        case "--cgroup-root":
          guard let value = rest.popFirst() else { return nil }
          controlGroupRoot = value
        case "--no-cgroups": usesControlGroups = false
        default: return nil
        }
      }
      guard !stateDirectory.isEmpty else { return nil }
    }
  }

  /// One unit-host for each state directory: a second one ends at once.
  private static func takeLock(_ path: String) -> Int32? {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  /// Allows as many open files as the hard limit does; returns what units get.
  private static func raiseOpenFilesLimit() -> UInt {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
    let before = UInt(limit.rlim_cur)
    limit.rlim_cur = min(limit.rlim_max, 65536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return before
  }

  private static func report(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }
}
