// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import FoundationEssentials
import NIOPosix
import Synchronization

/// What may have changed.
enum ContainerChange: Sendable, Equatable {
  /// Anything: the subscription begins anew, or has broken off.
  case everything
  /// One container.
  case container(ContainerID)
  /// One container has ended; the exit code, if the engine said.
  case ended(ContainerID, exitCode: Int32?)
  /// A signal was sent to one container.
  case signalled(ContainerID, signal: String)
}

/// Where the registrator learns of containers.
protocol ContainerSource: Sendable {
  /// The containers that run now.
  func runningContainers() async throws -> [ContainerID]
  /// What is known of one; nil when it is gone.
  func details(of id: ContainerID) async throws -> ContainerDetails?
  /// Whether the processes of containers are there, asked of the machine and not of the engine; without an entry where
  /// that cannot be seen.
  func processes(of containers: [ContainerDetails]) async -> [ContainerID: Bool]
  /// Tells of changes until the task is cancelled.
  func followChanges(_ tell: @escaping @Sendable (ContainerChange) -> Void) async
}

/// The containers of a Docker Engine.
final class EngineContainers: ContainerSource {
  private let engine: DockerEngineClient
  /// Process ids that were found on this machine while the engine vouched for them.
  private let seen = Mutex<[ContainerID: Int32]>([:])

  private let keepsDocuments: Bool

  init(engine: DockerEngineClient, keepsDocuments: Bool = false) {
    self.engine = engine
    self.keepsDocuments = keepsDocuments
  }

  func runningContainers() async throws -> [ContainerID] {
    let running = try await engine.listContainers(all: false).map(\.id)
    let ids = Set(running)
    seen.withLock { seen in seen = seen.filter { ids.contains($0.key) } }
    return running
  }

  func details(of id: ContainerID) async throws -> ContainerDetails? {
    guard let details = try await inspect(id) else { return nil }
    let process = details.containerState.processID
    var isHere = false
    if process > 0 { isHere = await Self.isThere([(id, process)])[id] ?? false }
    seen.withLock { $0[id] = isHere ? process : nil }
    return details
  }

  private func inspect(_ id: ContainerID) async throws -> ContainerDetails? {
    do throws(DockerEngineError) {
      return try await engine.inspect(id.rawValue, keepsDocument: keepsDocuments)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  func processes(of containers: [ContainerDetails]) async -> [ContainerID: Bool] {
    let seen = seen.withLock { $0 }
    let known = containers.compactMap { container in
      let process = container.containerState.processID
      return process > 0 && seen[container.id] == process ? (container.id, process) : nil
    }
    return known.isEmpty ? [:] : await Self.isThere(known)
  }

  /// Whether a process is there and a container's: its control group or its mounts name the container.
  private static func isThere(_ processes: [(id: ContainerID, process: Int32)]) async -> [ContainerID: Bool] {
    let answer = try? await NIOThreadPool.singleton.runIfActive {
      processes.map { id, process in
        let isThere = ["cgroup", "mountinfo"].contains { file in
          guard let text = try? Data(contentsOf: URL(filePath: "/proc/\(process)/\(file)")) else { return false }
          return text.firstRange(of: Data(id.rawValue.utf8)) != nil
        }
        return (id, isThere)
      }
    }
    return Dictionary(answer ?? []) { first, _ in first }
  }

  func followChanges(_ tell: @escaping @Sendable (ContainerChange) -> Void) async {
    await engine.followEvents { update in
      switch update {
      case .connected, .disconnected: tell(.everything)
      case .event(let event):
        switch event.action {
        // `exec_start` and the like come often and change nothing here.
        case .other(let word) where word.hasPrefix("exec_"): break
        case .die: tell(.ended(event.container, exitCode: event.exitCode))
        case .kill(let signal): tell(.signalled(event.container, signal: signal))
        default: tell(.container(event.container))
        }
      }
    }
  }
}

/// A machine without an engine: no containers, and none to come.
struct NoContainers: ContainerSource {
  func runningContainers() -> [ContainerID] { [] }
  func details(of id: ContainerID) -> ContainerDetails? { nil }
  func processes(of containers: [ContainerDetails]) -> [ContainerID: Bool] { [:] }
  func followChanges(_ tell: @escaping @Sendable (ContainerChange) -> Void) async {}
}
