// SPDX-License-Identifier: Apache-2.0

/// The engine's id of a container: 64 hex digits, known before the container runs.
public struct ContainerID: Hashable, Sendable, CustomStringConvertible {
  /// The id as text; a name works wherever an id does.
  public var rawValue: String

  /// Makes an id from its text.
  public init(_ rawValue: String) {
    self.rawValue = rawValue
  }

  /// The id as text.
  public var description: String { rawValue }

  /// The first 12 digits, as `docker ps` shows them.
  public var short: String { String(rawValue.prefix(12)) }
}

/// A container's state as the engine reports it now.
public struct ContainerState: Sendable, Equatable {
  /// `State.Status`.
  public enum Status: Sendable, Equatable {
    /// Made, never started.
    case created
    /// Its process runs.
    case running
    /// Frozen.
    case paused
    /// Ended; the engine starts it again by its own restart policy.
    case restarting
    /// Being removed.
    case removing
    /// Ended.
    case exited
    /// Could not be removed.
    case dead
    /// A word this version does not know.
    case unknown(String)
  }

  /// What it is doing.
  public var status: Status
  /// The process id on the engine's machine; 0 when none runs.
  public var processID: Int32
  /// Exit code of the last run; 0 before the first.
  public var exitCode: Int32
  /// Whether the kernel killed it for lack of memory.
  public var oomKilled: Bool
  /// Why the engine could not start it; empty when it could.
  public var error: String
  /// When the last run began, RFC 3339; `0001-01-01T00:00:00Z` before the first.
  public var startedAt: String
  /// When the last run ended, RFC 3339.
  public var finishedAt: String
  /// Result of the health check; nil when the container has none.
  public var health: ContainerHealth?

  /// Makes a state.
  public init(status: Status, exitCode: Int32 = 0, health: ContainerHealth? = nil) {
    self.status = status
    self.exitCode = exitCode
    self.health = health
    processID = 0
    oomKilled = false
    error = ""
    startedAt = ""
    finishedAt = ""
  }

  /// Whether there is a process: running, paused or about to be restarted by the engine.
  public var isRunning: Bool {
    switch status {
    case .running, .paused, .restarting: true
    case .created, .removing, .exited, .dead, .unknown: false
    }
  }
}

/// `State.Health.Status`.
public enum ContainerHealth: String, Sendable {
  /// Not yet known.
  case starting
  /// The last checks passed.
  case healthy
  /// Too many checks failed.
  case unhealthy
}

/// How a run of a container ended.
public struct ContainerExit: Sendable, Equatable {
  /// The exit code; 128 + n for signal n.
  public var exitCode: Int32
  /// Whether the kernel killed it for lack of memory.
  public var oomKilled: Bool
  /// Whether the engine's `stop` ended it, as opposed to `kill`, a crash or its own end.
  public var stoppedOnRequest: Bool
  /// Whether it was ended by its engine, which was shutting down; nobody asked for that.
  public var endedWithEngine = false

  /// Makes an exit.
  public init(exitCode: Int32, oomKilled: Bool = false, stoppedOnRequest: Bool = false) {
    self.exitCode = exitCode
    self.oomKilled = oomKilled
    self.stoppedOnRequest = stoppedOnRequest
  }
}
