// SPDX-License-Identifier: Apache-2.0

/// What this machine's engine has counted since the node started, by fleet's names.
///
/// Source: specs/fleet.md §11; fleet v1.0 `metrics/engine.go`.
///
/// Differs: a pass counts once, the start is that of the present leadership, and moves count as the two tasks that fleet
/// makes of them.
public struct EngineMetrics: Sendable, Equatable {
  /// Since when this machine leads, in seconds since 1970; nil when it does not.
  public var leaderSinceSeconds: Int64?
  /// Passes of the engine over what changed.
  public var passes: UInt64 = 0
  /// Units that were given a machine, and attempts at that which failed.
  public var schedulings = Attempts()
  /// Units that were taken from a machine, and attempts at that which failed.
  public var unschedulings = Attempts()
  /// Units that were found on a machine that is lost.
  public var lostMachines: UInt64 = 0
  /// Units that were found on a machine that cannot run them.
  public var unableMachines: UInt64 = 0
  /// Units that no machine takes.
  public var unplaced: UInt64 = 0

  /// How often something was done, and how often it could not be.
  public struct Attempts: Sendable, Equatable {
    /// All attempts.
    public var all: UInt64 = 0
    /// Those that failed.
    public var failed: UInt64 = 0

    /// Makes a count of nothing.
    public init() {}

    /// Counts an attempt.
    public mutating func count(isFailed: Bool) {
      all += 1
      if isFailed { failed += 1 }
    }
  }

  /// Makes a count of nothing.
  public init() {}
}
