// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Ends a program that runs, from another thread; programs that are started later are ended at once.
public final class ChildStop: Sendable {
  private struct Watched {
    var child: pid_t?
    var isAsked = false
    /// When a program that does not end when asked to is killed, in seconds of the running clock.
    var killTime: Int?

    mutating func end() {
      guard let child, killTime == nil else { return }
      kill(-child, SIGTERM)
      killTime = ChildStop.now + ChildStop.patienceSeconds
    }
  }

  private static let patienceSeconds = 10
  private let watched = Mutex(Watched())

  /// Makes one that ends nothing yet.
  public init() {}

  /// Whether the end has been asked for.
  public var isAsked: Bool { watched.withLock(\.isAsked) }

  /// Asks the program to end; it is killed ten seconds later.
  public func ask() {
    watched.withLock { watched in
      watched.isAsked = true
      watched.end()
    }
  }

  func watch(_ child: pid_t) {
    watched.withLock { watched in
      watched.child = child
      watched.killTime = nil
      if watched.isAsked { watched.end() }
    }
  }

  /// Whether the child has ended; nobody sends signals to its id after that.
  func reap(_ child: pid_t, _ code: inout Int32) -> Bool {
    watched.withLock { watched in
      if let time = watched.killTime, time <= Self.now { kill(-child, SIGKILL) }
      guard waitpid(child, &code, WNOHANG) == child else { return false }
      watched.child = nil
      return true
    }
  }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec
  }
}
