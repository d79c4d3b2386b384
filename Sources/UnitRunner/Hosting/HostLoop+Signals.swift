// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// Signals, and processes that are not looked after any more.
extension HostLoop {
  func signal(_ request: SignalRequest) {
    for id in request.ids {
      guard let process = processes[id], process.pidfd >= 0 else { continue }
      _ = unit_pidfd_signal(process.pidfd, request.signal.number)
      if request.signal != .kill { _ = unit_pidfd_signal(process.pidfd, SIGCONT) }
    }
    guard let token = request.groupToken else { return }
    let direct = Set(request.ids.compactMap { processes[$0]?.report.process.processID })
    for member in groups.members(of: request.unit) where !direct.contains(member) {
      _ = kill(member, request.signal.number)
      if request.signal != .kill { _ = kill(member, SIGCONT) }
    }
    watch(request.unit, EmptyWatch(token: token, isPatient: false))
  }

  func release(_ id: String) {
    guard let process = processes.removeValue(forKey: id), process.pidfd >= 0 else { return }
    poller.remove(process.pidfd)
    close(process.pidfd)
  }
}
