// SPDX-License-Identifier: Apache-2.0
import Fleet

/// Names of what changed since the engine last looked; each once, however often it changed.
struct EngineBacklog: Sendable {
  private(set) var units: Set<String> = []
  private(set) var machines: Set<String> = []

  var isEmpty: Bool { units.isEmpty && machines.isEmpty }

  mutating func add(_ changes: RegistryChanges) {
    units.formUnion(changes.units)
    machines.formUnion(changes.machines)
  }
}

/// What the engine has to take over into its ledger.
enum EngineChanges: Sendable {
  case everything(RegistryImage)
  case some(ChangedEntries)

  /// Units and machines as they are now; nil for those that are gone.
  struct ChangedEntries: Sendable {
    var units: [String: Job?] = [:]
    var machines: [String: Machine?] = [:]
  }
}

extension RegistryImage {
  func entries(of backlog: EngineBacklog) -> EngineChanges.ChangedEntries {
    var entries = EngineChanges.ChangedEntries()
    entries.units.reserveCapacity(backlog.units.count)
    for name in backlog.units { entries.units[name] = .some(jobs[name]?.job(named: name)) }
    for id in backlog.machines { entries.machines[id] = .some(machine(id)) }
    return entries
  }
}
