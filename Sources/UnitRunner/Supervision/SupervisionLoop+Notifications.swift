// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// What units say about themselves.
extension SupervisionLoop {
  /// The kernel takes no longer path for a socket, in bytes.
  private static let socketPathLimitBytes = 107

  /// Directory of the units' sockets.
  var notifyDirectory: String { "\(configuration.stateDirectory)/notify" }

  /// Where a unit's processes say something about themselves in this run; nil for a unit that is not listened to.
  func notifySocket(of unit: SupervisedUnit) -> String? {
    guard unit.definition.notifyAccess != .none, !unit.record.invocation.isEmpty else { return nil }
    let path = "\(notifyDirectory)/\(unit.record.invocation.prefix(16))"
    return path.utf8.count <= Self.socketPathLimitBytes ? path : "@coracle/\(unit.record.invocation)"
  }

  /// Variables that tell a command how to say something.
  func notifyVariables(_ unit: SupervisedUnit, _ command: RunningCommand) -> [String: String] {
    let access = unit.definition.notifyAccess
    guard command.role == .main || command.position.stage == .start || access == .exec || access == .all,
      let socket = notifySocket(of: unit)
    else { return [:] }
    var variables = ["NOTIFY_SOCKET": socket]
    if isWatched(unit, command), let interval = unit.service?.watchdogInterval {
      variables["WATCHDOG_USEC"] = String(interval.microseconds)
    }
    return variables
  }

  /// Whether a command has to say again and again that it is well.
  func isWatched(_ unit: SupervisedUnit, _ command: RunningCommand) -> Bool {
    command.position.stage == .start && unit.service?.watchdogInterval != nil && notifySocket(of: unit) != nil
  }

  /// Something a unit has said has arrived; what is on record already, or of an earlier run, means nothing.
  func receive(_ notification: HostedNotification) {
    guard let name = try? UnitName(notification.unit), let unit = units[name],
      notifySocket(of: unit) == notification.socket, notification.number > unit.record.notificationNumber ?? 0
    else {
      acknowledge(notification)
      if let main = notification.main, commandUnits[main.id] == nil { enqueue(.release(id: main.id)) }
      return
    }
    inputs.append(.notified(name, notification))
  }

  func handle(_ notification: HostedNotification, of name: UnitName) {
    change(name) { $0.record.notificationNumber = notification.number }
    acknowledge(notification)
    guard let unit = units[name] else { return }
    let sender = sender(of: notification, in: unit)
    if unit.service?.accepts(from: sender) == false {
      let access = unit.definition.notifyAccess.rawValue
      say("\(name): Process \(notification.senderID) is not listened to with NotifyAccess=\(access)", name)
    }
    var message = ServiceNotification(parsing: notification.text)
    message.writtenAt = message.writtenAt.map { $0 + (timeSinceBoot() - timeAwake()) }
    let isOwned = notification.main.map { commandUnits[$0.id] != nil } ?? true
    notifiedMain = isOwned ? nil : notification.main
    step(name) { $0.notified(message, from: sender, namesMain: !isOwned, at: $1) }
    if let left = notifiedMain { enqueue(.release(id: left.id)) }
    notifiedMain = nil
  }

  private func sender(of notification: HostedNotification, in unit: SupervisedUnit) -> NotificationSender {
    for (role, sender) in [(CommandRole.main, NotificationSender.main), (.control, .control)] {
      if case .process(let process?) = unit.running(role)?.carrier, process.processID == notification.senderID {
        return sender
      }
    }
    return .other
  }
}

extension Duration {
  /// Whole microseconds.
  fileprivate var microseconds: Int64 {
    components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
  }
}

/// Time since the machine's boot without sleep, which is what `MONOTONIC_USEC=` is about.
private func timeAwake() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
