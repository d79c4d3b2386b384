// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import Glibc
import Synchronization

/// Counts what the engine does.
final class EngineMeter: Sendable {
  private let counted = Mutex(EngineMetrics())

  var metrics: EngineMetrics { counted.withLock { $0 } }

  func leads(_ isLeading: Bool) {
    let now = Int64(time(nil))
    counted.withLock { $0.leaderSinceSeconds = isLeading ? now : nil }
  }

  /// Counts a pass and what it found.
  func passed(_ plan: ClusterPass) {
    counted.withLock { counted in
      counted.passes += 1
      counted.unplaced += UInt64(plan.newlyUnplaced.count)
      for task in plan.tasks {
        if task.lostMachineID != nil {
          counted.lostMachines += 1
        } else if task.leavesUnableMachine {
          counted.unableMachines += 1
        }
      }
    }
  }

  /// Counts what was carried out, or could not be.
  func carriedOut(_ task: ClusterTask, isFailed: Bool) {
    counted.withLock { counted in
      switch task {
      case .schedule: counted.schedulings.count(isFailed: isFailed)
      case .unschedule: counted.unschedulings.count(isFailed: isFailed)
      case .move:
        counted.unschedulings.count(isFailed: isFailed)
        counted.schedulings.count(isFailed: isFailed)
      }
    }
  }
}
