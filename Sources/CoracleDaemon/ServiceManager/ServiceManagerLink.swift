// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import NIOPosix
import Synchronization

/// The program that started this node and wants to hear how it is: systemd, with `Type=notify`.
final class ServiceManagerLink: Sendable {
  private let socket: NotifySocket
  private let logger: Logger
  /// What the manager was told when the node became ready; nil before.
  private let readyStatus = Mutex<String?>(nil)

  /// - Parameters:
  ///   - environment: Of this process; without `NOTIFY_SOCKET` nobody wants to hear.
  ///   - logger: Where it is told that the manager cannot be reached.
  init?(environment: [String: String], logger: Logger) {
    guard let variable = environment["NOTIFY_SOCKET"], !variable.isEmpty else { return nil }
    do {
      socket = try NotifySocket(variable)
    } catch {
      logger.warning("the service manager is told nothing", metadata: ["error": "\(error.chain)"])
      return nil
    }
    self.logger = logger
  }

  /// The node is not ready yet.
  func isStarting(_ status: String) async { await tell("STATUS=\(status)") }

  /// The node serves: what was ordered behind it may start.
  func isReady(_ status: String) async {
    readyStatus.withLock { $0 = status }
    await tell("READY=1\nSTATUS=\(status)")
  }

  /// The node ends.
  func isStopping() async { await tell("STOPPING=1\nSTATUS=stopping") }

  /// The configuration is reread while this runs.
  ///
  /// A node that is not ready yet tells nothing: the end of a reload would count as being ready.
  func duringReload(_ body: () async -> Void) async {
    guard let status = readyStatus.withLock({ $0 }) else { return await body() }
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
    await tell("RELOADING=1\nMONOTONIC_USEC=\(microseconds)\nSTATUS=rereading the cloud-config")
    await body()
    await tell("READY=1\nSTATUS=\(status)")
  }

  private func tell(_ message: String) async {
    do {
      try await NIOThreadPool.singleton.runIfActive { [socket] in try socket.send(message) }
    } catch {
      logger.warning(
        "the service manager was not reached",
        metadata: ["error": "\((error as? NodeError)?.chain ?? "\(error)")"]
      )
    }
  }
}
