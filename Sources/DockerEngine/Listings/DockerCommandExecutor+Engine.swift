// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// `version` and `info`.
///
/// Source: docker CLI `cli/command/system/version.go` and `info.go`; the client is coracle, and has no Go and no commit.
extension DockerCommandExecutor {
  func version(
    _ format: String?,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    var template: InspectFormat?
    if let format, format != "json" { template = try parsed(format) }
    var problem: DockerEngineError?
    var server: JSONValue?
    var agreed = "\(APIVersion.newest)"
    do {
      agreed = "\(try await client.ping())"
      server = try await ask("/version", [], "ask \(client.url) for its version")
    } catch {
      problem = error
    }
    let client: [(String, JSONValue)] = [
      ("Version", .string("coracle")), ("ApiVersion", .string(agreed)),
      ("DefaultAPIVersion", .string("\(APIVersion.newest)")), ("Os", .string("linux")),
    ]
    let document = JSONValue.object(
      JSONObject([("Client", .object(JSONObject(client))), ("Server", server ?? .null)])
    )
    if let template {
      print(try filled(template, document, "version") + "\n", output)
    } else if format != nil {
      print(document.compactText + "\n", output)
    } else {
      let lines = Self.clientLines(agreed) + (server.map { [""] + Self.serverLines($0) } ?? [])
      for line in TextTable.aligned(lines.joined(separator: "\n"), width: 20, padding: 1) {
        output(OutputLine(.standardOutput, line))
      }
    }
    if let problem { throw problem }
    return CommandResult(exitCode: 0)
  }

  private static func clientLines(_ agreed: String) -> [String] {
    let newest = "\(APIVersion.newest)"
    return [
      "Client:", " Version:\tcoracle",
      " API version:\t\(agreed)\(agreed == newest ? "" : " (downgraded from \(newest))")", " OS/Arch:\tlinux",
    ]
  }

  private static func serverLines(_ server: JSONValue) -> [String] {
    let platform = server["Platform"]?["Name"]?.string ?? ""
    var lines = [platform.isEmpty ? "Server:" : "Server: \(platform)"]
    for component in server["Components"]?.elements ?? [] {
      let name = component["Name"]?.string ?? ""
      let details = component["Details"]
      func detail(_ name: String) -> String { details?[name]?.string ?? "" }
      lines += [" \(name):", "  Version:\t\(component["Version"]?.string ?? "")"]
      guard name == "Engine" else {
        let names = (details?.members ?? []).map(\.name).sorted()
        lines += names.map { "  \($0):\t\(detail($0))" }
        continue
      }
      lines += [
        "  API version:\t\(detail("ApiVersion")) (minimum version \(detail("MinAPIVersion")))",
        "  Go version:\t\(detail("GoVersion"))", "  Git commit:\t\(detail("GitCommit"))",
        "  Built:\t\(built(detail("BuildTime")))", "  OS/Arch:\t\(detail("Os"))/\(detail("Arch"))",
        "  Experimental:\t\(detail("Experimental"))",
      ]
    }
    return lines
  }

  /// A time as C's `asctime` writes it, where it is one.
  private static func built(_ text: String) -> String {
    guard let nanoseconds = EngineTime.nanosecondsSinceEpoch(text) else { return text }
    return GoTime(seconds: Int(nanoseconds / 1_000_000_000), nanoseconds: 0).formatted("Mon Jan _2 15:04:05 2006")
  }

  // MARK: Information

  func info(_ format: String?) async throws(DockerEngineError) -> [String] {
    var template: InspectFormat?
    if let format, format != "json" { template = try parsed(format) }
    let document = try await ask("/info", [], "ask \(client.url) what it is")
    if let template {
      return try filled(template, document, "info").split(separator: "\n", omittingEmptySubsequences: false)
        .map(String.init)
    }
    return format == nil ? EngineInformation.lines(document) : [document.compactText]
  }

  private func parsed(_ format: String) throws(DockerEngineError) -> InspectFormat {
    do throws(TemplateError) {
      return try InspectFormat(format)
    } catch {
      throw DockerEngineError(.badRequest, "template parsing error: \(error)")
    }
  }

  private func filled(
    _ template: InspectFormat,
    _ document: JSONValue,
    _ kind: String
  ) throws(DockerEngineError) -> String {
    do throws(TemplateError) {
      return try template.text(of: document, kind: kind)
    } catch {
      throw DockerEngineError(.badRequest, "\(error)")
    }
  }
}
