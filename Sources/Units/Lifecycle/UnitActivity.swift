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
    case deactivating
    case failed
  }

  /// systemd's states of a service.
  public enum SubState: String, Sendable, Codable, CaseIterable {
    case dead
    case startPre = "start-pre"
    case start
    case startPost = "start-post"
    case running
    case exited
    case stop
    case stopSigterm = "stop-sigterm"
    case stopSigkill = "stop-sigkill"
    case stopPost = "stop-post"
    case finalSigterm = "final-sigterm"
    case finalSigkill = "final-sigkill"
    case failed
    case autoRestart = "auto-restart"

    /// The general state that goes with it.
    public var active: ActiveState {
      switch self {
      case .dead: .inactive
      case .startPre, .start, .startPost, .autoRestart: .activating
      case .running, .exited: .active
      case .stop, .stopSigterm, .stopSigkill, .stopPost, .finalSigterm, .finalSigkill: .deactivating
      case .failed: .failed
      }
    }
  }
}

/// How a service's run went, in systemd's words (`Result=`).
public enum ServiceResult: String, Sendable, Codable {
  case success
  case resources
  case timeout
  case exitCode = "exit-code"
  case signal
  case coreDump = "core-dump"
  case watchdog
  case startLimitHit = "start-limit-hit"
}
