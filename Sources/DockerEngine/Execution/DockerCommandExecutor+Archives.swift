// SPDX-License-Identifier: Apache-2.0
import Glibc

/// `save`, `export`, `load` and `import`.
extension DockerCommandExecutor {
  func save(
    _ options: SaveOptions,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    var query = options.images.map { (name: "names", value: $0) }
    if let platform = options.platform { query.append(("platform", ImagePlatform.json(platform))) }
    let request = EngineRequest(
      method: .get,
      path: "/images/get",
      query: query,
      timeout: nil,
      purpose: "save \(options.images.joined(separator: ", "))"
    )
    return try await download(request, to: options.file, for: caller, console)
  }

  func export(
    _ options: ExportOptions,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let request = EngineRequest(
      method: .get,
      path: client.containerPath(ContainerID(options.container), "/export"),
      timeout: nil,
      purpose: "export container \(options.container)"
    )
    return try await download(request, to: options.file, for: caller, console)
  }

  /// Writes an archive to a file, which appears when it is complete, or to standard output.
  private func download(
    _ request: EngineRequest,
    to file: String?,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    guard let file else {
      guard !console.isOutputTerminal else {
        throw DockerEngineError(.badRequest, "an archive is not written to a terminal: use -o or redirect")
      }
      try await client.stream(request) { bytes in
        await console.write(bytes, to: .standardOutput)
        return true
      }
      return CommandResult(exitCode: 0)
    }
    let path = caller.absolute(file)
    var status = stat()
    // A device or pipe is written as it is.
    let isReplaced = stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    let target = isReplaced ? path + ".\(getpid()).part" : path
    let sink = try LocalFile.writing(target, mode: 0o600, flags: isReplaced ? O_CREAT | O_EXCL : 0)
    do {
      defer { sink.close() }
      try await client.stream(request) { bytes in
        try await sink.write(bytes)
        return true
      }
    } catch {
      if isReplaced { unlink(target) }
      throw error
    }
    guard !isReplaced || Glibc.rename(target, path) == 0 else {
      let failure = LocalFile.failure("replace \(path)")
      unlink(target)
      throw failure
    }
    return CommandResult(exitCode: 0)
  }

  func load(
    _ options: LoadOptions,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    var request = EngineRequest(
      method: .post,
      path: "/images/load",
      // Progress is for people who watch.
      query: [("quiet", options.isQuiet || !console.isOutputTerminal || !console.hasInput ? "1" : "0")],
      timeout: nil,
      purpose: "load images"
    )
    if let platform = options.platform { request.query.append(("platform", ImagePlatform.json(platform))) }
    if options.file == nil, console.isInputTerminal || !console.hasInput {
      throw DockerEngineError(.badRequest, "requested load from stdin, but stdin is empty")
    }
    try await upload(request, from: options.file, for: caller, console)
    return CommandResult(exitCode: 0)
  }

  func importImage(
    _ options: ImportOptions,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let isURL = options.source.hasPrefix("http://") || options.source.hasPrefix("https://")
    var query: [(name: String, value: String)] = [("fromSrc", isURL ? options.source : "-")]
    if let image = options.image.flatMap({ ImageReference($0) }) {
      query.append(("repo", image.repository))
      if let tag = image.tag { query.append(("tag", tag)) }
    }
    if let message = options.message { query.append(("message", message)) }
    for change in options.changes { query.append(("changes", change)) }
    if let platform = options.platform { query.append(("platform", platform)) }
    let request = EngineRequest(
      method: .post,
      path: "/images/create",
      query: query,
      timeout: nil,
      purpose: "import \(options.source)"
    )
    if isURL {
      try await client.followProgress(request) { console.line($0) }
    } else {
      try await upload(request, from: options.source == "-" ? nil : options.source, for: caller, console)
    }
    return CommandResult(exitCode: 0)
  }

  /// Sends a file, or standard input, and tells what the engine makes of it.
  private func upload(
    _ request: EngineRequest,
    from file: String?,
    for caller: DockerCaller,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) {
    var request = request
    guard let file else {
      request.upload = UploadPieces { await console.read() }
      return try await client.followProgress(request) { console.line($0) }
    }
    let source = try LocalFile.reading(caller.absolute(file))
    defer { source.close() }
    request.upload = UploadPieces { try await source.read() }
    try await client.followProgress(request) { console.line($0) }
  }
}
