// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Logging
import ServiceLifecycle
import UnitRunner
import Units

/// The units of this machine: the runner, and the units that the cloud-config itself brought.
struct UnitsService: Service {
  let supervision: UnitSupervision
  let localUnits: [LocalUnitPlan]
  /// Whether fleet may place units here too.
  let hasFleet: Bool
  let stopsUnits: Bool
  let logger: Logger

  func run() async throws {
    let supervision = supervision
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await supervision.run() }
      group.addTask {
        try await supervision.waitUntilReady()
        // A unit that is replaced is stopped first, which may take long.
        await cancelWhenGracefulShutdown { await startLocalUnits() }
        if !hasFleet { supervision.expect(Set(localUnits.compactMap(\.unitName))) }
        try await gracefulShutdown()
      }
      // The runner ends only when something is wrong; a shutdown ends the second task.
      do {
        try await group.next()
      } catch is CancellationError {}
      if stopsUnits { await supervision.stopAll() }
      group.cancelAll()
    }
  }

  /// Loads all of the document's units before any is started, and commands them in the document's order.
  private func startLocalUnits() async {
    var units: [UnitToRun] = []
    // A unit that the document brings whole is another unit when its drop-ins change, and is started again.
    let dropIns = localUnits.filter(\.isWhole).flatMap(\.unitDropIns)
    for plan in localUnits where !plan.isMasked {
      guard let content = plan.content else { continue }
      do {
        let name = try UnitName(plan.name)
        let (file, problems) = try UnitFile(parsing: content).adding(dropIns, for: name)
        for problem in problems {
          logger.error("drop-in cannot be read", metadata: ["unit.name": "\(name)", "error": "\(problem)"])
        }
        units.append(UnitToRun(name: name, file: file))
      } catch {
        logger.error("local unit cannot be read", metadata: ["unit.name": "\(plan.name)", "error": "\(error)"])
      }
    }
    guard !units.isEmpty else { return }
    for (name, problem) in await supervision.load(units).sorted(by: { $0.key.description < $1.key.description }) {
      logger.error("local unit cannot be loaded", metadata: ["unit.name": "\(name)", "error": "\(problem)"])
    }
    for plan in localUnits where units.contains(where: { $0.name.description == plan.name }) {
      await command(plan)
    }
  }

  private func command(_ plan: LocalUnitPlan) async {
    guard let name = try? UnitName(plan.name) else { return }
    do {
      switch plan.command {
      case .start, .restart, .reloadOrRestart: try await supervision.start(name)
      case .stop: try await supervision.stop(name)
      case .reload, .tryRestart, .reloadOrTryRestart: break  // Nothing of a node that boots is running yet.
      case nil: if plan.isEnabled { try await supervision.start(name) }
      }
    } catch {
      logger.error("local unit was not commanded", metadata: ["unit.name": "\(name)", "error": "\(error)"])
    }
  }
}

extension LocalUnitPlan {
  /// The unit's name, if it is one.
  var unitName: UnitName? { try? UnitName(name) }

  /// Whether the document says all there is about the unit, or that it must not be; else it only adds to what fleet brings.
  var isWhole: Bool { content != nil || isMasked }

  /// The unit's drop-ins, where the runner looks for them.
  var unitDropIns: [Units.DropIn] {
    dropIns.map { Units.DropIn(directory: "\(name).d", name: $0.name, text: $0.content) }
  }
}
