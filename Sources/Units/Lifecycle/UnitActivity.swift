// SPDX-License-Identifier: Apache-2.0

/// Where a unit stands, in systemd's three words and the result of its last run.
public struct UnitActivity: Sendable, Hashable, Codable {
  /// Whether its file could be used.
  public var load: LoadState
  /// The state in detail.
  public var sub: SubState
  /// How the last run went.
  public var result: ServiceResult

  /// Makes an activity.
  public init(load: LoadState = .loaded, sub: SubState = .dead, result: ServiceResult = .success) {
    self.load = load
    self.sub = sub
    self.result = result
  }

  /// The state in one of systemd's five words; it follows from ``sub``.
  public var active: ActiveState { sub.active }

  /// Whether the unit's file could be used.
  public enum LoadState: String, Sendable, Codable {
    /// It could.
    case loaded
    /// There is no such file.
    case notFound = "not-found"
    /// The file has a setting that makes it unusable, such as a service without a command.
    case badSetting = "bad-setting"
    /// Something else is wrong with it.
    case error
  }

  /// systemd's general state.
  public enum ActiveState: String, Sendable, Codable {
    case inactive
    case activating
    case active
    case reloading
    case deactivating
    case failed

    /// Whether the service does its work: active, or taking its configuration in anew meanwhile.
    public var isUp: Bool { self == .active || self == .reloading }

    /// Whether nothing of it is there.
    public var isDown: Bool { self == .inactive || self == .failed }
  }

  /// systemd's states of services, targets and what starts others.
  public enum SubState: String, Sendable, Codable, CaseIterable {
    case dead
    case condition
    case startPre = "start-pre"
    case start
    case startPost = "start-post"
    case running
    case exited
    case reload
    case reloadSignal = "reload-signal"
    case reloadNotify = "reload-notify"
    case stop
    case stopWatchdog = "stop-watchdog"
    case stopSigterm = "stop-sigterm"
    case stopSigkill = "stop-sigkill"
    case stopPost = "stop-post"
    case finalWatchdog = "final-watchdog"
    case finalSigterm = "final-sigterm"
    case finalSigkill = "final-sigkill"
    case failed
    case autoRestart = "auto-restart"
    /// A target that has been started.
    case active
    /// A timer or path that looks out for its moment.
    case waiting
    /// A timer that has no further moment.
    case elapsed
    /// A socket that looks out for connections.
    case listening
    case startChown = "start-chown"
    case stopPre = "stop-pre"
    case stopPreSigterm = "stop-pre-sigterm"
    case stopPreSigkill = "stop-pre-sigkill"

    /// The general state that goes with it.
    public var active: ActiveState {
      switch self {
      case .dead: .inactive
      case .condition, .startPre, .startChown, .start, .startPost, .autoRestart: .activating
      case .running, .exited, .active, .waiting, .elapsed, .listening: .active
      case .reload, .reloadSignal, .reloadNotify: .reloading
      case .stop, .stopWatchdog, .stopSigterm, .stopSigkill, .stopPost: .deactivating
      case .stopPre, .stopPreSigterm, .stopPreSigkill: .deactivating
      case .finalWatchdog, .finalSigterm, .finalSigkill: .deactivating
      case .failed: .failed
      }
    }
  }
}

/// How a service's run went, in systemd's words (`Result=`).
public enum ServiceResult: String, Sendable, Codable {
  case success
  case resources
  /// The service did not do its part of what `Type=` says.
  case `protocol`
  case timeout
  case exitCode = "exit-code"
  case signal
  case coreDump = "core-dump"
  case watchdog
  case startLimitHit = "start-limit-hit"
  /// The unit that it starts was started too often.
  case unitStartLimitHit = "unit-start-limit-hit"
  /// It has started its unit too often.
  case triggerLimitHit = "trigger-limit-hit"
  /// What a socket starts has been started too often.
  case serviceStartLimitHit = "service-start-limit-hit"
  /// `ExecCondition=` said that the service is not to run, which is no failure.
  case execCondition = "exec-condition"

  /// Whether it makes the unit a failed one.
  public var isFailure: Bool { self != .success && self != .execCondition }
}
