// SPDX-License-Identifier: Apache-2.0
import DockerEngine

/// What may have changed.
enum ContainerChange: Sendable, Equatable {
  /// Anything: the subscription begins anew.
  case everything
  /// One container.
  case container(ContainerID)
}

/// Where the registrator learns of containers.
protocol ContainerSource: Sendable {
  /// The containers that run now.
  func runningContainers() async throws -> [ContainerID]
  /// What is known of one; nil when it is gone.
  func details(of id: ContainerID) async throws -> ContainerDetails?
  /// Tells of changes until the task is cancelled.
  func followChanges(_ tell: @escaping @Sendable (ContainerChange) -> Void) async
}

/// The containers of a Docker Engine.
struct EngineContainers: ContainerSource {
  let engine: DockerEngineClient

  func runningContainers() async throws -> [ContainerID] {
    try await engine.listContainers(all: false).map(\.id)
  }

  func details(of id: ContainerID) async throws -> ContainerDetails? {
    do throws(DockerEngineError) {
      return try await engine.inspect(id.rawValue)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  func followChanges(_ tell: @escaping @Sendable (ContainerChange) -> Void) async {
    await engine.followEvents { update in
      switch update {
      case .connected: tell(.everything)
      case .event(let event):
        // `exec_start` and the like come often and change nothing here.
        if case .other(let word) = event.action, word.hasPrefix("exec_") { return }
        tell(.container(event.container))
      case .disconnected: break
      }
    }
  }
}
