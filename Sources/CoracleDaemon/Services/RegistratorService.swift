// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Logging
import Registrator
import ServiceLifecycle

/// Publishes running containers once the store is there.
struct RegistratorService: Service {
  let configuration: RegistratorConfiguration
  let engine: DockerEngineClient
  let store: Eventual<NodeStore>
  let logger: Logger

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown {
        let store = try await store.wait()
        try await ServiceRegistrator(
          configuration: configuration,
          engine: engine,
          store: store.keys,
          logger: logger
        ).run()
      }
    } catch is CancellationError {}
  }
}
