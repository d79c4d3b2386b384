// SPDX-License-Identifier: Apache-2.0
public import DockerEngine
public import EtcdWire
public import Logging

/// Keeps the service records of this machine's containers in the store as the containers are.
public actor ServiceRegistrator {
  private let configuration: RegistratorConfiguration

  /// Makes a registrator; nothing happens before ``run()``.
  public init(
    configuration: RegistratorConfiguration,
    engine: DockerEngineClient,
    store: any KeysAPI,
    logger: Logger
  ) {
    self.configuration = configuration
  }

  /// Runs until the task is cancelled, then removes this machine's records.
  ///
  /// - Throws: `CancellationError` only; an engine or a store that cannot be reached is tried again.
  public func run() async throws {
  }
}
