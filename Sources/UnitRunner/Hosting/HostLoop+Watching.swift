// SPDX-License-Identifier: Apache-2.0

/// Waiting for the last process of a unit to end.
extension HostLoop {
  /// How often a unit's processes are looked at while their end is waited for.
  static let watchInterval = Duration.milliseconds(20)
  /// How often, while their end may be a long time off.
  static let patientInterval = Duration.seconds(1)

  struct EmptyWatch {
    /// What to answer with.
    var token: Int
    /// Whether the end may be a long time off: then it is looked for now and then, and whenever an orphan has ended.
    var isPatient: Bool
  }

  func watch(_ unit: String, _ watch: EmptyWatch) {
    emptyWatches[unit] = watch
    freshWatches.insert(unit)
  }

  func checkEmptyWatches() {
    let now = timeSinceBoot()
    let isTick = now - lastWatch >= Self.watchInterval
    if isTick { lastWatch = now }
    let isPatientTick = now - lastPatientWatch >= Self.patientInterval
    if isPatientTick { lastPatientWatch = now }
    for (unit, watch) in emptyWatches {
      guard freshWatches.contains(unit) || (watch.isPatient ? isPatientTick : isTick) else { continue }
      guard groups.members(of: unit).isEmpty else { continue }
      emptyWatches[unit] = nil
      connection?.send(HostEvent.groupEmptied(unit: unit, token: watch.token))
    }
    if isTick { continueSearches() }
    freshWatches = []
  }
}
