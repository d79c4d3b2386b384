// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// `inspect`.
extension DockerCommandExecutor {
  /// docker's exit code for a template that is none.
  private static let badTemplateExitCode: Int32 = 64

  func inspect(
    _ options: InspectOptions,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    var format: InspectFormat?
    if let text = options.format, text != "json" {
      do throws(TemplateError) {
        format = try InspectFormat(text)
      } catch {
        output(OutputLine(.standardError, "template parsing error: \(error)"))
        return CommandResult(exitCode: Self.badTemplateExitCode)
      }
    }
    var documents: [JSONValue] = []
    var text = ""
    var problems: [String] = []
    for name in options.names {
      do {
        let (document, kind) = try await document(name, options)
        documents.append(document)
        if let format { text += try format.text(of: document, kind: kind) + "\n" }
      } catch let error as TemplateError {
        problems.append("template parsing error: \(error)")
      } catch let error as DockerEngineError {
        guard error.code == .notFound else { throw error }
        problems.append(options.subject == .any ? "Error: No such object: \(name)" : "docker: \(error)")
      } catch {
        problems.append("docker: \(error)")
      }
    }
    if format == nil {
      let list = JSONValue.array(documents)
      text = (options.format == nil ? list.prettyText() : list.compactText) + "\n"
    }
    print(text.isEmpty ? "\n" : text, output)
    for problem in problems { output(OutputLine(.standardError, problem)) }
    return CommandResult(exitCode: problems.isEmpty ? 0 : 1)
  }

  /// Puts out a text line by line.
  func print(_ text: String, _ output: (OutputLine) -> Void) {
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      output(OutputLine(.standardOutput, String(line)))
    }
  }

  /// A container of that name, else an image, a network or a volume.
  private func document(
    _ name: String,
    _ options: InspectOptions
  ) async throws(DockerEngineError) -> (JSONValue, kind: String) {
    let subjects: [InspectOptions.Subject] =
      options.subject == .any ? [.container, .image, .network, .volume] : [options.subject]
    for subject in subjects.dropLast() {
      do {
        return (try await document(name, subject, options), subject.rawValue)
      } catch  where error.code == .notFound {
        // Perhaps something of the next kind.
      }
    }
    let last = subjects[subjects.count - 1]
    return (try await document(name, last, options), last.rawValue)
  }

  private func document(
    _ name: String,
    _ subject: InspectOptions.Subject,
    _ options: InspectOptions
  ) async throws(DockerEngineError) -> JSONValue {
    switch subject {
    case .any, .container:
      let json = try await client.inspectJSON(container: name, includesSize: options.includesSize)
      return json.withNetworkSettingsBackFilled()
    case .image: return try await client.inspectJSON(image: name)
    case .network:
      return try await ask(
        "/networks/\(EngineRequest.percentEncoded(name))",
        options.isVerbose ? [("verbose", "true")] : [],
        "inspect network \(name)"
      )
    case .volume:
      return try await ask("/volumes/\(EngineRequest.percentEncoded(name))", [], "inspect volume \(name)")
    }
  }

  /// Reads a document of the engine.
  func ask(
    _ path: String,
    _ query: [(name: String, value: String)],
    _ purpose: String
  ) async throws(DockerEngineError) -> JSONValue {
    try await client.performForJSON(EngineRequest(method: .get, path: path, query: query, purpose: purpose))
  }
}
