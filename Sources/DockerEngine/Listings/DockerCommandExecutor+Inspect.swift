// SPDX-License-Identifier: Apache-2.0

/// `inspect`.
extension DockerCommandExecutor {
  func inspect(
    _ options: InspectOptions,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    var documents: [JSONValue] = []
    var exitCode: Int32 = 0
    for name in options.names {
      do {
        documents.append(try await document(name, options))
      } catch  where error.code == .notFound {
        output(OutputLine(.standardError, "docker: no such object: \(name)"))
        exitCode = 1
      }
    }
    guard let format = options.format else {
      for line in JSONValue.array(documents).prettyText().split(separator: "\n") {
        output(OutputLine(.standardOutput, String(line)))
      }
      return CommandResult(exitCode: exitCode)
    }
    let template: InspectTemplate
    do throws(DockerCommandLineError) {
      template = try InspectTemplate(format)
    } catch {
      throw DockerEngineError(.badRequest, "\(error)")
    }
    for document in documents {
      do {
        output(OutputLine(.standardOutput, try template.rendered(from: document)))
      } catch {
        output(OutputLine(.standardError, "docker: template \"\(template.text)\": \(error.problem)"))
        exitCode = 1
      }
    }
    return CommandResult(exitCode: exitCode)
  }

  /// A container of that name, else an image.
  private func document(_ name: String, _ options: InspectOptions) async throws(DockerEngineError) -> JSONValue {
    if options.subject != .image {
      do {
        let json = try await client.inspectJSON(container: name, includesSize: options.includesSize)
        return json.withNetworkSettingsBackFilled()
      } catch  where error.code == .notFound && options.subject == .any {
        // Perhaps an image.
      }
    }
    return try await client.inspectJSON(image: name)
  }
}
