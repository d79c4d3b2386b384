// SPDX-License-Identifier: Apache-2.0

/// Images.
extension DockerEngineClient {
  /// Whether the engine has an image.
  ///
  /// - Throws: ``DockerEngineError``.
  public func hasImage(_ name: String) async throws(DockerEngineError) -> Bool {
    do {
      _ = try await inspectJSON(image: name)
      return true
    } catch  where error.code == .notFound {
      return false
    }
  }

  /// Pulls an image; `progress` gets what docker's own program prints away from a terminal.
  ///
  /// Units pull before each start. Differs: where the image registry gives no answer about the image (it cannot be
  /// reached, fails or limits the rate) and the engine has the image already, that one serves, with a warning; docker's
  /// own program fails. An answer that denies the image is an error all the same.
  ///
  /// - Throws: ``DockerEngineError/Code/pullFailed`` with the engine's words, or why the engine could not be asked.
  func pull(
    _ image: ImageReference,
    platform: String? = nil,
    allTags: Bool = false,
    authorization: String = "e30=",
    progress: (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    do {
      try await followProgress(
        Self.pullRequest(image, platform: platform, allTags: allTags, authorization: authorization),
        progress: progress
      )
    } catch  where error.code == .unreachable || error.code == .cancelled {
      throw error
    } catch {
      guard !Self.isAnswerAboutImage(error), try await hasImage(image.description) else {
        throw DockerEngineError(.pullFailed, error.message, cause: error.cause)
      }
      progress(OutputLine(.standardError, "Warning: \(error.message); using the local image \(image)"))
    }
  }

  /// Whether the registry was reached and said no.
  private static func isAnswerAboutImage(_ error: DockerEngineError) -> Bool {
    if error.code == .notFound || error.code == .refused { return true }
    let denials = ["not found", "manifest unknown", "denied", "unauthorized", "does not exist", "invalid reference"]
    let message = error.message.lowercased()
    return denials.contains { message.contains($0) } && !message.contains("dial tcp")
  }

  private static func pullRequest(
    _ image: ImageReference,
    platform: String?,
    allTags: Bool,
    authorization: String
  ) -> EngineRequest {
    var request = EngineRequest(
      method: .post,
      path: "/images/create",
      query: [("fromImage", image.repository)],
      headers: [("X-Registry-Auth", authorization)],
      timeout: nil,
      purpose: "pull \(image)"
    )
    if let tag = image.digest ?? image.tag ?? (allTags ? nil : "latest") { request.query.append(("tag", tag)) }
    if let platform { request.query.append(("platform", platform)) }
    return request
  }

  /// Carries out what the engine reports on line by line, and hands the reports over.
  ///
  /// - Throws: ``DockerEngineError/Code/pullFailed`` with the engine's words when one of them tells a failure.
  func followProgress(_ request: EngineRequest, progress: (OutputLine) -> Void) async throws(DockerEngineError) {
    var splitter = JSONLineSplitter()
    var failure: String?
    func read(_ report: JSONValue) {
      if let text = report["errorDetail"]?["message"]?.string ?? report["error"]?.string {
        failure = text
      } else if let text = report["stream"]?.string {
        let text = text.trimmingTrailingWhitespace()
        if !text.isEmpty { progress(OutputLine(.standardOutput, text)) }
      } else if let line = Self.progressLine(report) {
        progress(OutputLine(.standardOutput, line))
      }
    }
    try await stream(request) { bytes in
      try splitter.receive(bytes).forEach(read)
      return true
    }
    if let last = splitter.finish() { read(last) }
    if let failure { throw DockerEngineError(.pullFailed, "\(request.purpose): \(failure)") }
  }

  /// One line of progress; nil for the moving bars, which only a terminal shows.
  private static func progressLine(_ report: JSONValue) -> String? {
    guard let status = report["status"]?.string else { return nil }
    guard report["progressDetail"]?["current"] == nil else { return nil }
    return report["id"]?.string.map { "\($0): \(status)" } ?? status
  }
}
