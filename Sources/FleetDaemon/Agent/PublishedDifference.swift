// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import FleetWire
import Units

/// What the registry says about a unit on a machine and should not, or does not say and should.
enum PublishedDifference: Sendable {
  case putState(unit: String, UnitStateRecord)
  case removeState(unit: String, at: EtcdIndex)
  case setLaunched(unit: String, Bool)

  var unit: String {
    switch self {
    case .putState(let unit, _), .removeState(let unit, _), .setLaunched(let unit, _): unit
    }
  }
}

extension RegistryImage {
  /// Units about which a machine has published something.
  func unitsWithTraces(of machineID: String) -> Set<String> {
    (unitsByPublisher[machineID] ?? []).union(unitsByLauncher[machineID] ?? [])
  }

  /// What a machine has to publish about a unit.
  ///
  /// - Parameters:
  ///   - name: The unit.
  ///   - unit: What the machine has of it; nil for nothing.
  ///   - failure: Why it has nothing though it should.
  ///   - machineID: The machine.
  /// - Returns: What to write; empty when the registry says it as it is.
  func differences(
    of name: String,
    _ unit: SupervisedUnit?,
    _ failure: Agent.LoadFailure?,
    on machineID: String
  ) -> [PublishedDifference] {
    var differences: [PublishedDifference] = []
    let published = unitStates[name]?[machineID]
    let record = unit.map(UnitStateRecord.init(of:)) ?? failure.map(UnitStateRecord.init(of:))
    switch (record, published) {
    case (let record?, let published) where record != published?.value:
      differences.append(.putState(unit: name, record))
    case (nil, let published?):
      differences.append(.removeState(unit: name, at: published.index))
    default: break
    }
    let job = jobs[name]
    let isPlacedHere = job?.hash != nil && job?.target?.value == machineID
    let isLaunched = isPlacedHere && (unit?.isStartRequested ?? false)
    if isLaunched != (job?.launchedBy?.value == machineID) {
      differences.append(.setLaunched(unit: name, isLaunched))
    }
    return differences
  }
}

extension UnitStateRecord {
  fileprivate init(of unit: SupervisedUnit) {
    self.init(
      loadState: unit.unitState.load,
      activeState: unit.unitState.active,
      subState: unit.unitState.sub,
      hash: unit.hash.description
    )
  }

  fileprivate init(of failure: Agent.LoadFailure) {
    self.init(loadState: "error", activeState: "inactive", subState: "dead", hash: failure.hash.description)
  }
}
