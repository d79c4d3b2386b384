// SPDX-License-Identifier: Apache-2.0
import APIServer
import CloudConfig
import Logging
import NIOCore
import ServiceLifecycle
import UnitRunner

/// The node's listeners: client URLs, fleet's own, and the control socket.
struct APIService: Service {
  let server: HTTPAPIServer

  /// Opens the listeners, so that a taken port is told before anything else happens.
  ///
  /// - Throws: ``NodeError`` naming the address that cannot be had.
  init(
    _ node: PreparedNode,
    ports: APIPorts,
    security: NodeSecurity,
    group: any EventLoopGroup,
    logger: Logger
  ) async throws(NodeError) {
    var limits = HTTPLimits()
    // A quarter is left for everything else that is open.
    limits.maximumConnections = max(256, min(65_536, OpenFilesLimit.raise() / 4 * 3))
    server = HTTPAPIServer(ports: ports, limits: limits, security: security.listeners, group: group, logger: logger)
    var listeners = (node.plan.etcd?.listenClientURLs ?? []).map { $0.listener(serving: .everything) }
    listeners += (node.plan.fleet?.listenURLs ?? []).map { $0.listener(serving: .fleet) }
    listeners.append(APIListener(.unixSocket(path: node.socketPath, mode: 0o660), surface: .control))
    do {
      for bound in try await server.start(listening: listeners) {
        logger.info("serving", metadata: ["api.address": "\(bound.endpoint)"])
      }
    } catch {
      throw NodeError("", cause: error)
    }
    if node.servesOriginalFleetSocket { await openOriginalFleetSocket(logger) }
  }

  /// Listens where fleet's own clients look for fleet's daemon; where that cannot be, they can still be told another place.
  private func openOriginalFleetSocket(_ logger: Logger) async {
    do {
      let listener = APIListener(.unixSocket(path: PreparedNode.originalFleetSocket, mode: 0o660), surface: .fleet)
      for bound in try await server.start(listening: [listener]) {
        logger.info("serving", metadata: ["api.address": "\(bound.endpoint)"])
      }
    } catch {
      logger.warning("fleet's own socket is not served", metadata: ["api.error": "\(error)"])
    }
  }

  func run() async throws {
    try? await gracefulShutdown()
    await server.shutdown()
  }
}

extension EndpointURL {
  /// A server's listener for this URL.
  func listener(serving surface: APISurface) -> APIListener {
    APIListener(.tcp(host: host, port: port), surface: surface, isSecure: scheme == .https)
  }
}
