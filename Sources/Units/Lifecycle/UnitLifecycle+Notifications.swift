// SPDX-License-Identifier: Apache-2.0

/// What a service says about itself.
extension UnitLifecycle {
  /// Whether a notification of such a process counts (`NotifyAccess=`).
  public func accepts(from sender: NotificationSender) -> Bool {
    switch definition.notifyAccess {
    case .none: false
    case .main: sender == .main
    case .exec: sender != .other
    case .all: true
    }
  }

  /// The service has said something.
  ///
  /// - Parameters:
  ///   - notification: What; its moment as all others since the machine's boot.
  ///   - sender: The process it comes from.
  ///   - namesMain: Whether it names another process of the unit as the main one.
  ///   - now: The moment.
  /// - Returns: What to do.
  public mutating func notified(
    _ notification: ServiceNotification,
    from sender: NotificationSender,
    namesMain: Bool = false,
    at now: Duration
  ) -> [UnitDirective] {
    guard accepts(from: sender) else { return [] }
    if namesMain { takeNotifiedMain(at: now) }
    if let progress = notification.progress { advance(to: progress, notification, at: now) }
    if let status = notification.status { snapshot.statusText = status.isEmpty ? nil : status }
    if let length = notification.timeoutExtension { extendTimeouts(by: length, at: now) }
    if let interval = notification.watchdogInterval {
      snapshot.watchdogInterval = interval
      resetWatchdog(at: now)
    }
    switch notification.watchdog {
    case .alive: resetWatchdog(at: now)
    case .trigger: if isWatched { enterSignal(.stopWatchdog, .watchdog, at: now) }
    case nil: break
    }
    return taken()
  }

  /// Begins to count again until the service must have said that it is alive.
  private mutating func resetWatchdog(at now: Duration) {
    if isWatched { snapshot.watchdogDeadline = watchdogInterval.map { now + $0 } }
  }

  private var isWatched: Bool { Self.isWatched(snapshot.sub) }

  private mutating func takeNotifiedMain(at now: Duration) {
    guard snapshot.sub == .start || isWatched else { return }
    snapshot.main = snapshot.main ?? CommandPosition(stage: .start, index: 0)
    snapshot.isMainUnknown = false
    directives.append(.takeNotifiedMain)
    if snapshot.search != nil {
      snapshot.search = nil
      afterSearch(at: now)
    }
  }

  private mutating func advance(
    to progress: ServiceNotification.Progress,
    _ notification: ServiceNotification,
    at now: Duration
  ) {
    snapshot.progress = progress
    // A reload that was asked for is over when the service has begun it after that: one that it was at already is none.
    let answersRequest = notification.writtenAt.map { $0 >= snapshot.reloadSince ?? .zero } ?? false
    switch (progress, snapshot.sub) {
    case (.ready, .start) where definition.type.isNotifying: enterStartPost(at: now)
    case (.ready, .reloadNotify): enterRunning(.success, at: now)
    case (.ready, .reloadSignal) where notification.hasReloaded && answersRequest: enterRunning(.success, at: now)
    case (.reloading, .running): enterRunning(.success, at: now)
    case (.reloading, .reloadSignal) where answersRequest:
      let deadline = snapshot.stateDeadline
      set(.reloadNotify, at: now)
      snapshot.stateDeadline = deadline
    case (.stopping, .running): enterStopByNotice(at: now)
    default: break
    }
  }

  private mutating func extendTimeouts(by length: Duration, at now: Duration) {
    guard snapshot.sub != .autoRestart else { return }
    snapshot.stateDeadline = snapshot.stateDeadline.map { max($0, now + length) }
    snapshot.watchdogDeadline = snapshot.watchdogDeadline.map { max($0, now + length) }
  }
}
