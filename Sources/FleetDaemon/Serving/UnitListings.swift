// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import FleetWire
import Synchronization

/// The newest whole listing of units, so that the pages of one listing cost one and agree with each other while nothing
/// changes.
final class UnitListings: Sendable {
  private let newest = Mutex<(index: EtcdIndex, units: [FleetUnit])?>(nil)

  /// All units by name; those that are wanted and on no machine say why.
  func units(of image: RegistryImage) -> [FleetUnit] {
    if let units = newest.withLock({ $0?.index == image.index ? $0?.units : nil }) { return units }
    let names = image.jobs.keys.sorted()
    let isAnyWaiting = image.jobs.values.contains { job in
      (job.targetState?.value ?? .inactive) != .inactive && job.target == nil && !job.isGlobal
    }
    var units = names.compactMap { image.unit(named: $0) }
    if isAnyWaiting {
      let plan = ClusterReconciler.plan(for: image.snapshot(areAbsentMachinesLost: false))
      let unplaced = Set(plan.unplaced)
      units = units.map { unplaced.contains($0.name) ? $0.explained(by: plan, in: image) : $0 }
    }
    newest.withLock { newest in
      // An older image may come late.
      if newest.map({ $0.index < image.index }) ?? true { newest = (image.index, units) }
    }
    return units
  }
}
