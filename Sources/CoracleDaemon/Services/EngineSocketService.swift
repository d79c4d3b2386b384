// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import DockerEngine
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnitRunner
import Units

/// Makes the Docker Engine's socket reachable where sockets of the cloud-config say, as `docker-tcp.socket` of CoreOS did.
struct EngineSocketService: Service {
  /// How long after a socket could not be had it is tried again: its address may come later.
  private static let pause = Duration.seconds(10)

  let plans: [EngineSocketPlan]
  /// Where the engine listens.
  let engineURL: String
  let group: any EventLoopGroup
  let logger: Logger

  func run() async throws {
    let forwarder: EngineForwarder
    do {
      forwarder = try EngineForwarder(to: engineURL, eventLoopGroup: group, logger: logger)
    } catch {
      throw NodeError("use the Docker Engine at \(engineURL)", cause: error)
    }
    let places = plans.flatMap { plan in plan.places.map { (plan, $0) } }
    let files = await cancelWhenGracefulShutdown {
      await withTaskGroup(of: String?.self) { tasks in
        for (plan, place) in places { tasks.addTask { await listen(at: place, of: plan, forwarder) } }
        return await tasks.reduce(into: [String]()) { if let path = $1 { $0.append(path) } }
      }
    }
    try? await gracefulShutdown()
    await forwarder.shutdown()
    for path in files { unlink(path) }
  }

  /// Listens at a place, if need be later.
  ///
  /// - Returns: The file that was made for it, if it is one.
  private func listen(
    at place: EngineSocketPlan.Place,
    of plan: EngineSocketPlan,
    _ forwarder: EngineForwarder
  ) async -> String? {
    let metadata: Logger.Metadata = ["unit.name": "\(plan.unit)", "engine.socket": "\(place.listener.place)"]
    if let path = place.listener.path, leadsToEngine(path) {
      logger.info("the engine listens there itself", metadata: metadata)
      return nil
    }
    var hasFailed = false
    while !Task.isCancelled {
      do {
        guard let descriptor = try await open(place, of: plan) else { return nil }
        try await forwarder.serve(.init(descriptor: descriptor, isTCP: place.listener.path == nil && !place.isAbstract))
        logger.notice("the Docker Engine's socket is reachable", metadata: metadata)
        return place.listener.path
      } catch {
        if !hasFailed {
          let reason = NodeError("", cause: error).chain
          logger.error("the Docker Engine's socket is not reachable yet", metadata: metadata + ["error": "\(reason)"])
        }
        hasFailed = true
      }
      try? await Task.sleep(for: Self.pause)
    }
    return nil
  }

  /// - Returns: The descriptor; nil when the machine has no such addresses and nothing is lost by that.
  private func open(_ place: EngineSocketPlan.Place, of plan: EngineSocketPlan) async throws -> Int32? {
    let descriptor = try await NIOThreadPool.singleton.runIfActive {
      try ListeningSockets.open(place.listener, settings: plan.settings, user: plan.user, group: plan.group)
    }
    if let descriptor { return descriptor }
    if place.isOptional { return nil }
    throw NodeError("listen on \(place.listener.place): this machine has no such address")
  }

  /// Whether a file is the socket that the engine itself listens on or will, which must stay its own.
  private func leadsToEngine(_ path: String) -> Bool {
    guard engineURL.hasPrefix("unix://") else { return false }
    let own = String(engineURL.dropFirst("unix://".count))
    let alias = "/var/run/"
    let names = [own, path].map { $0.hasPrefix(alias) ? "/run/" + $0.dropFirst(alias.count) : $0 }
    if names[0] == names[1] { return true }
    var one = stat()
    var other = stat()
    return stat(own, &one) == 0 && stat(path, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino
  }
}

extension EngineSocketPlan.Place {
  /// Whether it is a name without a file.
  fileprivate var isAbstract: Bool { if case .abstract = listener.address { true } else { false } }
}

extension Logger.Metadata {
  fileprivate static func + (one: Self, other: Self) -> Self { one.merging(other) { $1 } }
}
