// SPDX-License-Identifier: Apache-2.0

/// What decides whether a container that nobody seems to need may be removed.
public struct ContainerProvenance: Sendable, Equatable {
  /// Whether it has volumes that the engine keeps, which may be what it is there for.
  public var hasVolumes: Bool
  /// The labels of its image, which every container of that image has.
  public var imageLabels: [String: String]

  /// Makes it.
  public init(hasVolumes: Bool = false, imageLabels: [String: String] = [:]) {
    self.hasVolumes = hasVolumes
    self.imageLabels = imageLabels
  }
}

extension DockerEngineClient {
  /// Reads where a container comes from.
  ///
  /// - Throws: ``DockerEngineError``, `notFound` when there is no such container.
  public func provenance(of id: ContainerID) async throws(DockerEngineError) -> ContainerProvenance {
    let json = try await inspectJSON(container: id.rawValue)
    // Engines before API 1.20 know `Volumes` only, by their places.
    let mounts = json["Mounts"]?.elements ?? []
    let hasVolumes = mounts.contains { $0["Type"]?.string == "volume" || !($0["Name"]?.string ?? "").isEmpty }
    var labels: [String: String] = [:]
    if let image = json["Image"]?.string {
      do {
        labels = ContainerDetails.labels(try await inspectJSON(image: image)["Config"]?["Labels"])
      } catch  where error.code == .notFound {
        // Its image has been removed by force; what the container was made with cannot be told any more.
      }
    }
    return ContainerProvenance(hasVolumes: hasVolumes, imageLabels: labels)
  }
}
