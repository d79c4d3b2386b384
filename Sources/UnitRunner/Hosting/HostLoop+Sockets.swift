// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Sockets of socket units: held here, decided on in the node.
extension HostLoop {
  /// Carries out a request that is about sockets; others mean nothing here.
  func carryOutForSockets(_ request: HostRequest) {
    switch request {
    case .listen(let request): listen(request)
    case .watchSockets(let unit, let isOn): watchSockets(unit, isOn)
    case .flushSockets(let unit): sockets.flush(unit)
    case .closeSockets(let unit): closeSockets(unit)
    case .closeConnection(let id): closeConnection(id)
    default: break
    }
  }

  private func listen(_ request: ListenRequest) {
    do {
      try sockets.open(request)
      connection?.send(HostEvent.listening(unit: request.unit))
      for forgotten in sockets.forgottenConnections(request) {
        connection?.send(HostEvent.connected(unit: request.unit, connection: forgotten))
      }
    } catch {
      connection?.send(HostEvent.listenFailed(unit: request.unit, text: error.text))
    }
  }

  /// Looks out for somebody who comes, or no longer.
  func watchSockets(_ unit: String, _ isOn: Bool) {
    sockets.setWanted(unit, isOn)
    changeWatch(unit)
  }

  private func changeWatch(_ unit: String) {
    guard let change = sockets.changeWatch(unit) else { return }
    for descriptor in change.descriptors {
      if change.isOn { poller.add(descriptor) } else { poller.remove(descriptor) }
    }
  }

  /// Nobody decides now; what comes waits in the kernel.
  func unwatchAllSockets() {
    for unit in sockets.units { watchSockets(unit, false) }
  }

  /// Somebody has come.
  func socketTouched(_ descriptor: Int32, of unit: String) {
    if connection != nil, sockets.accepts(unit) {
      if let accepted = sockets.accept(descriptor, of: unit) {
        connection?.send(HostEvent.connected(unit: unit, connection: accepted))
        changeWatch(unit)
      } else {
        acceptFailed(descriptor)
      }
    } else {
      watchSockets(unit, false)
      connection?.send(HostEvent.touched(unit: unit))
    }
  }

  /// A connection is closed here: its process has it, or nobody wants it.
  func closeConnection(_ id: String) {
    if let unit = sockets.closeConnection(id) { changeWatch(unit) }
  }

  func closeSockets(_ unit: String) {
    watchSockets(unit, false)
    sockets.close(unit)
  }
}
