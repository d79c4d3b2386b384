// SPDX-License-Identifier: Apache-2.0

extension UnitLifecycle {
  /// Everything about a service that changes while it runs.
  public struct Snapshot: Sendable, Equatable, Codable {
    /// systemd's state.
    public internal(set) var sub = UnitActivity.SubState.dead
    /// How the run went so far; the first failure stays.
    public internal(set) var result = ServiceResult.success
    /// The main command that runs; nil when none does.
    public internal(set) var main: CommandPosition?
    /// The control command that runs; nil when none does.
    public internal(set) var control: CommandPosition?
    /// How the last main command ended; nil before that.
    public internal(set) var mainEnd: ProcessEnd?
    /// When the state has lasted too long; nil for never.
    var stateDeadline: Duration?
    /// When the service must have said again that it is alive; nil for never.
    var watchdogDeadline: Duration?
    /// How often the service was started again by itself since the last start by request.
    public internal(set) var restarts = 0
    /// How often it has been brought up at all, so that a start behind a stop in one step is known as a new run; nil for
    /// never.
    public internal(set) var runs: Int?
    /// How the last reload went.
    public internal(set) var reloadResult = ServiceResult.success
    /// What the service last said about itself in words.
    public internal(set) var statusText: String?
    /// How far it last said it was.
    var progress: ServiceNotification.Progress?
    /// How often it wants to say that it is alive, where that is not what its file says.
    var watchdogInterval: Duration?
    /// A stop by request: no restart.
    var forbidsRestart = false
    /// A start by request that came while the service was stopping.
    var startsAfterStop = false
    /// The stop is part of a restart by request.
    var isRestarting = false
    /// The search for the main process that has no answer yet.
    public internal(set) var search: MainSearch?
    /// The service runs and nobody knows which of its processes is the main one.
    var isMainUnknown = false
    /// When the service became active.
    var activeSince: Duration?
    /// When the reload that is going on was asked for.
    var reloadSince: Duration?
    var startWindowBegin: Duration?
    var startsInWindow = 0

    /// Makes the state of a service that never ran.
    public init() {}
  }
}
