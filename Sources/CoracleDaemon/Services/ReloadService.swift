// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import FleetDaemon
import Logging
import ServiceLifecycle
import UnixSignals

/// Rereads the cloud-config on SIGHUP: what is wrong with it is said at once, the machine's metadata is taken over, and
/// everything else takes effect with the next start.
struct ReloadService: Service {
  let node: PreparedNode
  let fleet: Eventual<FleetService>
  let manager: ServiceManagerLink?
  let logger: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    await cancelWhenGracefulShutdown {
      var plan = node.plan
      for await _ in signals {
        guard let manager else {
          await reload(&plan)
          continue
        }
        await manager.duringReload { await reload(&plan) }
      }
    }
  }

  /// - Parameter current: What the node goes by.
  private func reload(_ current: inout BootPlan) async {
    do {
      let plan = try await node.rereadPlan()
      if let wanted = plan.fleet, wanted.metadata != current.fleet?.metadata, let fleet = fleet.current {
        current.fleet?.metadata = wanted.metadata
        fleet.setMetadata(wanted.metadataByKey)
        logger.notice("cloud-config reread: the machine has the new metadata")
      } else if plan == current {
        logger.notice("cloud-config reread: nothing has changed")
      }
      if plan != current {
        logger.notice("cloud-config reread: it is free of errors and takes effect when the node is started again")
      }
    } catch {
      let reason = (error as? NodeError)?.chain ?? "\(error)"
      logger.error("cloud-config reread: the node goes on with the old one", metadata: ["error": "\(reason)"])
    }
  }
}

extension FleetPlan {
  /// The machine's metadata; of a key given twice the last value counts.
  var metadataByKey: [String: String] {
    Dictionary(metadata.map { ($0.key, $0.value) }) { $1 }
  }
}
