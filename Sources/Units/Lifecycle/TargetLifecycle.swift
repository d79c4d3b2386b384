// SPDX-License-Identifier: Apache-2.0

/// The machine behind a target: it is active from its start to its stop.
///
/// What it wants and requires is started with it by ``UnitJobs``.
/// Source: systemd v252 `src/core/target.c`.
public struct TargetLifecycle: PassiveLifecycle {
  /// Everything about a target that changes.
  public struct Snapshot: Sendable, Equatable, Codable {
    var isActive = false
  }

  private var snapshot: Snapshot

  /// Makes the machine of a target, new or as it was left.
  public init(resuming snapshot: Snapshot? = nil) {
    self.snapshot = snapshot ?? Snapshot()
  }

  /// Dead or active.
  public var activity: UnitActivity { UnitActivity(sub: snapshot.isActive ? .active : .dead) }
  /// Whether it is active.
  public var kept: PassiveSnapshot { .target(snapshot) }

  /// It is active at once.
  public mutating func start(at now: UnitMoment) -> [PassiveDirective] {
    snapshot.isActive = true
    return []
  }

  /// It is dead at once.
  public mutating func stop(at now: UnitMoment) -> [PassiveDirective] {
    snapshot.isActive = false
    return []
  }
}
