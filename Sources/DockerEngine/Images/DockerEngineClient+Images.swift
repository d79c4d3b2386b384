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
    progress: (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    do {
      try await pullFromRegistry(image, platform: platform, allTags: allTags, progress: progress)
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

  private func pullFromRegistry(
    _ image: ImageReference,
    platform: String?,
    allTags: Bool,
    progress: (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    var request = EngineRequest(
      method: .post,
      path: "/images/create",
      query: [("fromImage", image.repository)],
      // Anonymous: base64url of {}.
      headers: [("X-Registry-Auth", "e30=")],
      timeout: nil,
      purpose: "pull \(image)"
    )
    if let tag = image.digest ?? image.tag ?? (allTags ? nil : "latest") { request.query.append(("tag", tag)) }
    if let platform { request.query.append(("platform", platform)) }
    var splitter = JSONLineSplitter()
    var failure: String?
    func read(_ report: JSONValue) {
      if let text = report["errorDetail"]?["message"]?.string ?? report["error"]?.string {
        failure = text
      } else if let line = Self.progressLine(report) {
        progress(OutputLine(.standardOutput, line))
      }
    }
    try await stream(request) { bytes in
      try splitter.receive(bytes).forEach(read)
      return true
    }
    if let last = splitter.finish() { read(last) }
    if let failure { throw DockerEngineError(.pullFailed, "pull \(image): \(failure)") }
  }

  /// One line of progress; nil for the moving bars, which only a terminal shows.
  private static func progressLine(_ report: JSONValue) -> String? {
    guard let status = report["status"]?.string else { return nil }
    guard report["progressDetail"]?["current"] == nil else { return nil }
    return report["id"]?.string.map { "\($0): \(status)" } ?? status
  }
}
