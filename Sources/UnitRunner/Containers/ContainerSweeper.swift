// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Logging

/// Finds the containers of this machine's units that nobody has any use for, and removes them; what may be of use to
/// somebody is told once and left.
struct ContainerSweeper: Sendable {
  /// The pause after a look that failed, such as for an engine that is away.
  static let retryPause = Duration.seconds(2)

  let containers: any ContainerCommandRunning
  let machineID: String
  let interval: Duration
  let logger: Logger
  /// What is known of the units now; nil when the supervision has ended.
  let units: @Sendable () async -> LeftoverContainers.Units?
  /// Puts a line into a unit's journal.
  let say: @Sendable (_ unit: String, _ text: String) -> Void

  /// Looks from time to time, and whenever something is put into `wakes`, until the task is cancelled.
  func run(wakes: (stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation)) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // A reader that stops waiting ends the stream, so the clock puts something into it.
        repeat { wakes.continuation.yield() } while (try? await Task.sleep(for: interval)) != nil
      }
      var told: Set<ContainerID> = []
      for await _ in wakes.stream {
        do {
          try await sweep(&told)
        } catch {
          logger.debug("containers not looked through", metadata: ["error": "\(error)"])
          guard (try? await Task.sleep(for: min(interval, Self.retryPause))) != nil else { break }
          wakes.continuation.yield()
        }
      }
      group.cancelAll()
    }
  }

  /// Looks once.
  func sweep(_ told: inout Set<ContainerID>) async throws(DockerEngineError) {
    guard let before = await units() else { return }
    let listed = try await containers.containers(labels: [ContainerLabel.machine: machineID])
    guard let after = await units() else { return }
    told.formIntersection(listed.map(\.id))
    for container in listed where !told.contains(container.id) {
      switch LeftoverContainers.verdict(on: container, before, after) {
      case .keep: break
      case .remove(let reason, let volumes):
        if let obstacle = try await obstacle(to: container, keepsVolumes: false) {
          tell(container, "left: \(obstacle)", &told)
        } else {
          await remove(container, reason, volumes: volumes)
        }
      case .removeUnlessItHasVolumes:
        if let obstacle = try await obstacle(to: container, keepsVolumes: true) {
          tell(container, "left: \(obstacle)", &told)
        } else {
          await remove(container, .unitIsGone, volumes: false)
        }
      }
    }
  }

  /// Why a container is not removed; nil when it may be.
  private func obstacle(to container: ContainerSummary, keepsVolumes: Bool) async throws(DockerEngineError) -> String? {
    let provenance: ContainerProvenance
    do {
      provenance = try await containers.provenance(of: container.id)
    } catch  where error.code == .notFound {
      return "it is gone"
    }
    // `docker commit` gives the labels of a container to an image, and so to containers that others make of it.
    if provenance.imageLabels[ContainerLabel.machine] != nil { return "its labels are its image's" }
    return keepsVolumes && provenance.hasVolumes ? "it has volumes" : nil
  }

  private func remove(_ container: ContainerSummary, _ reason: LeftoverContainers.Reason, volumes: Bool) async {
    let unit = container.labels[ContainerLabel.unit] ?? ""
    do {
      if container.isRunning { try await containers.stop(container.id, timeout: nil) }
      try await containers.remove(container.id, force: true, volumes: volumes)
    } catch  where error.code == .notFound {
      return
    } catch {
      logger.warning("leftover container not removed", metadata: metadata(container, "\(error)"))
      return
    }
    logger.notice("leftover container removed", metadata: metadata(container, reason.rawValue))
    say(unit, "Removed container \(container.name): \(reason.rawValue).")
  }

  private func tell(_ container: ContainerSummary, _ text: String, _ told: inout Set<ContainerID>) {
    told.insert(container.id)
    logger.warning("leftover container left", metadata: metadata(container, text))
  }

  private func metadata(_ container: ContainerSummary, _ reason: String) -> Logger.Metadata {
    [
      "docker.container": "\(container.id.short)", "docker.name": "\(container.name)", "reason": "\(reason)",
      "unit.name": "\(container.labels[ContainerLabel.unit] ?? "")",
    ]
  }
}
