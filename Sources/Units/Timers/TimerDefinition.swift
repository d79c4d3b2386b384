// SPDX-License-Identifier: Apache-2.0

/// A timer unit's own settings, with systemd's defaults for what its file does not say.
///
/// Source: systemd.timer(5).
public struct TimerDefinition: Sendable, Equatable {
  /// What a length of time is counted from.
  public enum Base: String, Sendable, CaseIterable {
    /// The timer's own start.
    case active = "OnActiveSec"
    /// The machine's boot.
    case boot = "OnBootSec"
    /// The first start of the node since then.
    case startup = "OnStartupSec"
    /// The last time that the unit it starts was started.
    case unitActive = "OnUnitActiveSec"
    /// The last time that the unit it starts ended.
    case unitInactive = "OnUnitInactiveSec"

    /// Whether it comes once and not again and again.
    var isOnce: Bool { self == .active || self == .boot || self == .startup }
  }

  /// A length of time after something.
  public struct Delay: Sendable, Equatable {
    /// What it is counted from.
    public var base: Base
    /// How long.
    public var duration: Duration
  }

  /// How many times of either kind a timer may have.
  public static let timeLimit = 256

  /// The name of the unit that it starts (`Unit=`, or the service of its own name).
  public var triggered: String
  /// Lengths of time, in the order of the file.
  public var delays: [Delay] = []
  /// `OnCalendar=`.
  public var calendar: [CalendarExpression] = []
  /// `AccuracySec=`: how late it may be at most; it always elapses as early as it may.
  public var accuracy = Duration.seconds(60)
  /// `RandomizedDelaySec=`.
  public var randomizedDelay = Duration.zero
  /// `FixedRandomDelay=`: the delay is always the same on one machine.
  public var hasFixedRandomDelay = false
  /// `Persistent=`: what was missed is made up for at the next start.
  public var isPersistent = false
  /// `RemainAfterElapse=`: a timer without a further moment stays elapsed instead of being dead.
  public var remainsAfterElapse = true
  /// `OnClockChange=`: it elapses whenever the machine's clock is set.
  public var elapsesOnClockChange = false

  /// Makes a timer without times.
  public init(name: UnitName) {
    triggered = "\(name.nameWithoutSuffix).service"
  }

  /// The time zones that its calendar expressions name.
  public var zoneNames: Set<String> {
    Set(calendar.compactMap { if case .named(let name) = $0.zone { name } else { nil } })
  }
}
