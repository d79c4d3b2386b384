// SPDX-License-Identifier: Apache-2.0
import Logging
import ServiceLifecycle
import UnixSignals

/// Rereads the cloud-config on SIGHUP: what is wrong with it is said at once, what is right takes effect with the next start.
struct ReloadService: Service {
  let node: PreparedNode
  let logger: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    await cancelWhenGracefulShutdown {
      for await _ in signals { await reload() }
    }
  }

  private func reload() async {
    do {
      let plan = try await node.rereadPlan()
      if plan == node.plan {
        logger.notice("cloud-config reread: nothing has changed")
      } else {
        logger.notice("cloud-config reread: it is free of errors and takes effect when the node is started again")
      }
    } catch {
      let reason = (error as? NodeError)?.chain ?? "\(error)"
      logger.error("cloud-config reread: the node goes on with the old one", metadata: ["error": "\(reason)"])
    }
  }
}
