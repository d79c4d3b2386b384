// SPDX-License-Identifier: Apache-2.0

/// The verbs whose output is a list or a document.
extension DockerCommandExecutor {
  func list(
    _ listing: DockerListing,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    switch listing {
    case .inspect(let options): return try await inspect(options, output)
    case .containers, .images, .history, .version, .info, .port, .top, .networks, .volumes:
      throw DockerEngineError(.badRequest, "this list is not supported yet")
    }
  }
}
