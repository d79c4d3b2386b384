// SPDX-License-Identifier: Apache-2.0

/// A service unit's settings, typed, with systemd's defaults for what its file does not say.
///
/// Source: systemd.unit(5), systemd.service(5), systemd.kill(5); ``ExecutionSettings`` for systemd.exec(5).
public struct ServiceDefinition: Sendable, Equatable {
  /// When a service counts as started (`Type=`).
  public enum ServiceType: String, Sendable {
    /// As soon as its process is there.
    case simple
    /// Once its program has been executed.
    case exec
    /// Once its commands have ended.
    case oneshot
    /// Once its command has ended and left the service's process in the background.
    case forking
    /// Once it has said so.
    case notify
    /// As `notify`; it reads its configuration anew on a signal and says so too.
    case notifyReload = "notify-reload"
    /// As `simple`; its program is executed when nothing else is being started, or after a while.
    case idle

    /// Whether it says itself that it is up.
    public var isNotifying: Bool { self == .notify || self == .notifyReload }
  }

  /// Whose notifications count (`NotifyAccess=`).
  public enum NotifyAccess: String, Sendable {
    case none
    case main
    /// The main and the control process.
    case exec
    case all
  }

  /// How a service is ended that takes too long (`TimeoutStartFailureMode=`, `TimeoutStopFailureMode=`).
  public enum TimeoutAction: String, Sendable {
    case terminate
    case abort
    case kill
  }

  /// When a service is started again by itself (`Restart=`).
  public enum RestartRule: String, Sendable {
    case no
    case always
    case onSuccess = "on-success"
    case onFailure = "on-failure"
    case onAbnormal = "on-abnormal"
    case onAbort = "on-abort"
    case onWatchdog = "on-watchdog"
  }

  /// Which processes get signals when a service is stopped (`KillMode=`).
  public enum KillMode: String, Sendable {
    /// All of its processes.
    case controlGroup = "control-group"
    /// The first signal to the main process, SIGKILL to all.
    case mixed
    /// The main process only.
    case process
    /// None.
    case none
  }

  /// How often something may be started (`StartLimitIntervalSec=`, `StartLimitBurst=`, `TriggerLimit…=`).
  public struct StartLimit: Sendable, Equatable {
    /// The length of time that is looked at; zero means no limit.
    public var interval: Duration
    /// How many starts are allowed in it.
    public var burst: Int

    /// Counts a start; false when there were too many since the time that is looked at began.
    func allows(startAt now: Duration, begin: inout Duration?, count: inout Int) -> Bool {
      guard interval > .zero, burst > 0 else { return true }
      guard let start = begin, now - start < interval else {
        begin = now
        count = 1
        return true
      }
      count += 1
      return count <= burst
    }
  }

  /// The unit.
  public var name: UnitName
  /// `Description=`, or the name.
  public var description: String
  /// What it needs and follows.
  public var dependencies = UnitDependencies()
  /// `Condition…=` and `Assert…=`.
  public var conditions: [UnitCondition] = []
  /// `Type=`.
  public var type: ServiceType = .simple
  /// `RemainAfterExit=`.
  public var remainsAfterExit = false
  /// The commands of each stage in order; a stage without commands is absent.
  public var commands: [CommandStage: [ExecCommand]] = [:]
  /// `TimeoutStartSec=`; nil is none.
  public var startTimeout: Duration? = .seconds(90)
  /// `TimeoutStopSec=`; nil is none.
  public var stopTimeout: Duration? = .seconds(90)
  /// `TimeoutAbortSec=`; nil is none.
  public var abortTimeout: Duration? = .seconds(90)
  /// `TimeoutStartFailureMode=`.
  public var startTimeoutAction: TimeoutAction = .terminate
  /// `TimeoutStopFailureMode=`.
  public var stopTimeoutAction: TimeoutAction = .terminate
  /// `RuntimeMaxSec=`; nil is none.
  public var runtimeLimit: Duration?
  /// `PIDFile=` of a forking service.
  public var pidFile: String?
  /// `GuessMainPID=`.
  public var guessesMain = true
  /// `NotifyAccess=`.
  public var notifyAccess: NotifyAccess = .none
  /// `WatchdogSec=`; nil is none.
  public var watchdogInterval: Duration?
  /// `WatchdogSignal=`.
  public var watchdogSignal = UnixSignal.abort
  /// `ReloadSignal=`.
  public var reloadSignal = UnixSignal.hangUp
  /// `Restart=`.
  public var restart: RestartRule = .no
  /// `RestartSec=`; nil is never.
  public var restartDelay: Duration? = .milliseconds(100)
  /// `SuccessExitStatus=`.
  public var successExits = ExitSet()
  /// `RestartPreventExitStatus=`.
  public var restartPreventingExits = ExitSet()
  /// `RestartForceExitStatus=`.
  public var restartForcingExits = ExitSet()
  /// `StartLimitIntervalSec=` and `StartLimitBurst=`.
  public var startLimit = StartLimit(interval: .seconds(10), burst: 5)
  /// `KillMode=`.
  public var killMode: KillMode = .controlGroup
  /// `KillSignal=`.
  public var killSignal = UnixSignal.terminate
  /// `RestartKillSignal=`; nil is ``killSignal``.
  public var restartKillSignal: UnixSignal?
  /// `FinalKillSignal=`.
  public var finalKillSignal = UnixSignal.kill
  /// `SendSIGKILL=`.
  public var sendsSigkill = true
  /// `SendSIGHUP=`.
  public var sendsHangUp = false
  /// How its commands are executed.
  public var execution = ExecutionSettings()

  /// Makes a definition with every default.
  public init(name: UnitName) {
    self.name = name
    description = name.rawValue
  }

  /// The commands of a stage.
  public func commands(_ stage: CommandStage) -> [ExecCommand] {
    commands[stage] ?? []
  }
}

/// The stages a service's commands stand in.
public enum CommandStage: String, Sendable, Hashable, Codable, CaseIterable {
  case condition = "ExecCondition"
  case startPre = "ExecStartPre"
  case start = "ExecStart"
  case startPost = "ExecStartPost"
  case reload = "ExecReload"
  case stop = "ExecStop"
  case stopPost = "ExecStopPost"
}
