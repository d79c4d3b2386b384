// SPDX-License-Identifier: Apache-2.0
import Registrator
import Synchronization
import UnitRunner
import Units

/// The service records of units, for whoever is about to stop one; without a registrator nothing is done.
final class UnitRecords: Sendable {
  private let registrator = Mutex<ServiceRegistrator?>(nil)

  /// Says who keeps the records now.
  func use(_ registrator: ServiceRegistrator?) {
    self.registrator.withLock { $0 = registrator }
  }

  /// Removes a unit's records and returns when those who have read them have had time to let go.
  func withdraw(_ name: UnitName) async {
    await registrator.withLock { $0 }?.withdraw(unit: name.rawValue)
  }

  /// A unit is started, or not stopped after all.
  func restore(_ name: UnitName) async {
    await registrator.withLock { $0 }?.restore(unit: name.rawValue)
  }
}

/// The units of the runner as the registrator sees them, those of the cloud-config included.
struct SupervisedServices: RegistrableUnits {
  let supervision: UnitSupervision

  func units() async -> [RegistrableUnit]? {
    guard let units = try? await supervision.loadedUnits() else { return nil }
    return units.map { unit in
      RegistrableUnit(
        name: unit.name.rawValue,
        isUp: unit.activity.active.isUp,
        isDown: unit.activity.active.isDown,
        announcements: unit.announcements
      )
    }
  }

  func followChanges(_ tell: @escaping @Sendable () -> Void) async {
    for await _ in supervision.changes() { tell() }
  }
}
