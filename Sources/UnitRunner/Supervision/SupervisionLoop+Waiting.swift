// SPDX-License-Identifier: Apache-2.0
import Units

/// Those who wait for something to be so, and units that are forgotten once they are down.
extension SupervisionLoop {
  /// Calls `resume` once `isDone` holds after a turn.
  func wait(until isDone: @escaping (SupervisionLoop) -> Bool, resume: @escaping @Sendable () -> Void) {
    waiters.append((isDone, resume))
  }

  func resumeWaiters() {
    // What is so after half a turn may not stay so.
    guard inputs.isEmpty else { return }
    finishUnloading()
    let done = waiters.filter { $0.isDone(self) }
    guard !done.isEmpty else { return }
    waiters.removeAll { $0.isDone(self) }
    done.forEach { $0.resume() }
  }

  /// Resumes everybody who still waits, at the end.
  func releaseWaiters() {
    waiters.forEach { $0.resume() }
    waiters = []
  }

  private func finishUnloading() {
    guard !unloading.isEmpty else { return }
    for name in unloading.sorted() {
      guard let unit = units[name], unit.isDown, unit.record.running.isEmpty else { continue }
      unloading.remove(name)
      removeInstanceJournals(of: unit)
      dismiss(name)
      lineCounts[name.rawValue] = nil
      records.remove(name.rawValue)
      surroundings.removeFragment(of: name)
      host?.send(HostRequest.forget(unit: name.rawValue))
      if unit.record.connection == nil { tell(LoadedUnitChange(name: name, unit: nil)) }
    }
    if !inputs.isEmpty {
      settle()
      flush()
    }
    host?.flush()
  }
}
