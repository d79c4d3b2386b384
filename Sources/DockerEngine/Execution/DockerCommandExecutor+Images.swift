// SPDX-License-Identifier: Apache-2.0

/// The verbs of images, but for those that carry archives.
extension DockerCommandExecutor {
  func tag(_ image: String, _ name: ImageReference) async throws(DockerEngineError) -> CommandResult {
    try await client.perform(
      EngineRequest(
        method: .post,
        path: client.imagePath(image, "/tag"),
        query: [("repo", name.repository), ("tag", name.tag ?? "latest")],
        purpose: "tag image \(image)"
      )
    )
    return CommandResult(exitCode: 0)
  }

  func removeImages(_ options: RemoveImagesOptions, _ output: (OutputLine) -> Void) async -> CommandResult {
    var exitCode: Int32 = 0
    for image in options.images {
      var query: [(name: String, value: String)] = []
      if options.isForced { query.append(("force", "1")) }
      if options.keepsParents { query.append(("noprune", "1")) }
      for platform in options.platforms { query.append(("platforms", ImagePlatform.json(platform))) }
      do {
        let answer = try await client.performForJSON(
          EngineRequest(
            method: .delete,
            path: client.imagePath(image),
            query: query,
            timeout: .seconds(300),
            purpose: "remove image \(image)"
          )
        )
        for entry in answer.elements {
          if let id = entry["Deleted"]?.string { output(OutputLine(.standardOutput, "Deleted: \(id)")) }
          if let name = entry["Untagged"]?.string { output(OutputLine(.standardOutput, "Untagged: \(name)")) }
        }
      } catch {
        output(OutputLine(.standardError, "docker: \(error)"))
        if !(options.isForced && error.code == .notFound) { exitCode = 1 }
      }
    }
    return CommandResult(exitCode: exitCode)
  }

  func push(
    _ options: TransferOptions,
    _ credentials: RegistryCredentials,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    var request = EngineRequest(
      method: .post,
      path: client.imagePath(options.image.repository, "/push"),
      headers: [("X-Registry-Auth", try await credentials.header(for: options.image.registry))],
      timeout: nil,
      purpose: "push \(options.image)"
    )
    if !options.takesAllTags { request.query.append(("tag", options.image.tag ?? "latest")) }
    if let platform = options.platform { request.query.append(("platform", ImagePlatform.json(platform))) }
    try await client.followProgress(request) { line in
      if !options.isQuiet { output(line) }
    }
    if options.isQuiet { output(OutputLine(.standardOutput, "\(options.image)")) }
    return CommandResult(exitCode: 0)
  }
}

/// A platform as newer requests want it: a JSON object.
enum ImagePlatform {
  static func json(_ text: String) -> String {
    let parts = text.split(separator: "/", maxSplits: 2).map(String.init)
    var platform = JSONObject()
    for (name, value) in zip(["os", "architecture", "variant"], parts) { platform[name] = .string(value) }
    return JSONValue.object(platform).compactText
  }
}
