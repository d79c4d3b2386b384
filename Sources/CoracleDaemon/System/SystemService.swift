// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Logging
import ServiceLifecycle

/// What the cloud-config changes on the computer, as far as it may: files and users before anything of the node runs,
/// commands and scripts beside the node, since they may wait for it.
///
/// Whatever fails is said, and the node goes on: a cluster must not lose a member because a file could not be written.
struct SystemService: Service {
  private let application: SystemApplication
  private let logger: Logger

  /// Carries out all that comes before the node's services.
  ///
  /// - Returns: Nil when there is nothing more to do.
  static func prepare(_ node: PreparedNode, logger: Logger) async -> SystemService? {
    guard node.options.appliesSystem else {
      warnOfUnits(node.plan, logger)
      return nil
    }
    let system = node.plan.system
    let place = SystemApplication.Place(
      dataDirectory: node.directory.path,
      environment: node.environment,
      scriptVariables: node.unitEndpointVariables.merging(system.addresses.map { ($0.name, $0.value) }) { $1 }
    )
    do {
      var application = try await SystemApplication(node.plan, at: place, changes: true)
      try await application.carryOut(.preparation, stop: ChildStop()) { log($0, logger) }
      if application.failures > 0 {
        logger.error(
          "the cloud-config was carried out in part; the node goes on",
          metadata: ["system.changes": "\(application.changes)", "system.failures": "\(application.failures)"]
        )
      } else if application.changes == 0, !application.hasWork(.commands) {
        logger.notice("nothing to change: the computer is as the cloud-config wants it")
      }
      return application.hasWork(.commands) ? SystemService(application: application, logger: logger) : nil
    } catch {
      logger.error(
        "the cloud-config was not carried out on this computer; the node goes on",
        metadata: ["error": "\(NodeError("", cause: error).chain)"]
      )
      return nil
    }
  }

  private static func warnOfUnits(_ plan: BootPlan, _ logger: Logger) {
    guard plan.localUnitsCarrier == .systemd, !plan.localUnits.isEmpty else { return }
    logger.warning(
      "units of the cloud-config are systemd's (coracle.local-units) and need --apply-system; they are not carried out",
      metadata: ["unit.names": "\(plan.localUnits.map(\.name).joined(separator: " "))"]
    )
  }

  func run() async throws {
    let stop = ChildStop()
    await withGracefulShutdownHandler {
      var application = application
      let (before, logger) = (application.failures, logger)
      do {
        try await application.carryOut(.commands, stop: stop) { Self.log($0, logger) }
      } catch {
        logger.error("commands of the cloud-config were not carried out", metadata: ["error": "\(error)"])
      }
      if !stop.isAsked {
        logger.notice(
          "commands and scripts of the cloud-config have ended",
          metadata: ["system.failures": "\(application.failures - before)"]
        )
      }
    } onGracefulShutdown: {
      stop.ask()
    }
    try? await gracefulShutdown()
  }

  private static func log(_ event: SystemApplication.Event, _ logger: Logger) {
    switch event {
    case .done(let step): logger.notice("computer changed", metadata: ["system.step": "\(step)"])
    case .failed(let step, let reason):
      logger.error("computer not changed", metadata: ["system.step": "\(step)", "error": "\(reason)"])
    case .leftOut(let step, let reason):
      logger.notice("computer not changed", metadata: ["system.step": "\(step)", "system.reason": "\(reason)"])
    case .said(let name, let line):
      logger.info("output", metadata: ["system.program": "\(name)", "system.line": "\(line)"])
    }
  }
}
