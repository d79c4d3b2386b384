// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// What units tell about themselves.
extension HostLoop {
  /// Listens for a unit's processes, unless it does already.
  func openNotifySocket(_ path: String, of unit: String) {
    guard !notifySockets.isOpen(path, of: unit) else { return }
    closeNotifySocket(of: unit)
    if let descriptor = notifySockets.open(path, of: unit) {
      poller.add(descriptor)
    } else {
      say("\(unit): cannot listen for notifications at \(path): \(errorText(errno))", unit)
    }
  }

  func closeNotifySocket(of unit: String) {
    if let old = notifySockets.descriptor(of: unit) { poller.remove(old) }
    notifySockets.close(unit)
  }

  /// Passes on what a unit has said; also asked for before the end of a process is told, so that its last words count.
  func receiveNotifications(from unit: String) {
    for message in notifySockets.receive(from: unit) {
      let named = ServiceNotification(parsing: message.text).mainProcessID
      let main = named.flatMap { ownFound($0, of: unit, as: nil) }
      let (notification, dropped) = notifySockets.keep(message, of: unit, main: main)
      if dropped > 0 { say("\(unit): \(dropped) notifications lost: they came faster than they were taken", unit) }
      connection?.send(HostEvent.notified(notification))
    }
  }
}
