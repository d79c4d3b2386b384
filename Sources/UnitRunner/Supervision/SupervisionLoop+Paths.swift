// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Path units.
extension SupervisionLoop {
  func watchPaths(_ definition: PathDefinition, _ name: UnitName) {
    do throws(PathWatches.Problem) {
      try watch(name, definition.watches)
    } catch {
      say("\(name): \(error.text)", name)
      return stepPath(name) { $0.watchFailed(at: $1) }
    }
    // They are looked at while they are watched, so that nothing happens unseen between.
    let found = definition.watches.map { watch in
      switch watch.kind {
      case .exists, .changed, .modified: PathConditions.holds(.pathExists, watch.path)
      case .existsGlob: PathConditions.hasMatch(watch.path)
      case .directoryNotEmpty: PathConditions.holds(.directoryNotEmpty, watch.path)
      }
    }
    stepPath(name) { $0.pathsSeen(found, at: $1) }
  }

  func makeWatchedDirectories(_ definition: PathDefinition, _ name: UnitName) {
    for watch in definition.watches
    where watch.kind.isDirectoryMade && !makeDirectories(watch.path, mode: definition.directoryMode) {
      say("\(name): cannot make \(watch.path): \(errorText(errno))", name)
    }
  }

  /// What has happened at paths since the last turn.
  func takePathEvents() {
    for event in pathWatches.take() { inputs.append(.pathEvent(event.unit, isChange: event.isChange)) }
  }

  func stepPath(_ name: UnitName, _ input: (inout PathLifecycle, UnitMoment) -> [PassiveDirective]) {
    stepPassive(name) { passive, moment in
      guard var path = passive as? PathLifecycle else { return [] }
      defer { passive = path }
      return input(&path, moment)
    }
  }
}
