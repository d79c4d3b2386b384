// SPDX-License-Identifier: Apache-2.0

/// Which of a container's or command's streams are handed over, and how.
struct Attachment: Sendable {
  var input: Bool
  var output = true
  var errors = true
  /// With a terminal there is one raw stream.
  var hasTerminal: Bool
  var detachKeys: DetachKeys?
  var passesSignals: Bool
}

/// How being attached ended.
enum AttachmentEnd: Sendable {
  case ended
  /// The detach keys were typed.
  case left
}

/// `run`, `start -a`, `attach` for somebody at a console: over the engine's upgraded connection.
extension DockerCommandExecutor {
  /// Attaches to a container that does not run, starts it, and stays to its end.
  ///
  /// Source: docker CLI `cli/command/container/run.go`: attach and wait come before the start, so that nothing is lost.
  /// `refusal` is the exit code when it cannot be started; nil for that of `run`, which tells why.
  func runAttached(
    _ id: ContainerID,
    _ attachment: Attachment,
    isRemoved: Bool,
    refusal: Int32? = nil,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> CommandResult {
    let client = client
    let knowsConditions = try await client.version() >= APIVersion(major: 1, minor: 30)
    let request = Self.attachRequest(id, attachment)
    return try await client.upgraded(request) { stream in
      try await withThrowingTaskGroup(of: Int32?.self) { group in
        if knowsConditions {
          let (standing, stands) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
          group.addTask {
            defer { stands.finish() }
            return try await client.waitOnce(id, condition: isRemoved ? "removed" : "next-exit") { stands.yield() }
          }
          for await _ in standing { break }
        }
        do throws(DockerEngineError) {
          try await client.start(id)
        } catch {
          console.line(OutputLine(.standardError, "docker: \(error)"))
          group.cancelAll()
          return CommandResult(exitCode: refusal ?? error.startExitCode)
        }
        if !knowsConditions { group.addTask { try await client.waitOnce(id, condition: nil) {} } }
        let end = try await attend(&stream, attachment, to: id, console)
        guard case .ended = end else {
          group.cancelAll()
          return CommandResult(exitCode: 0)
        }
        let code = try await group.next() ?? nil
        return CommandResult(exitCode: code ?? 125)
      }
    }
  }

  static func attachRequest(_ id: ContainerID, _ attachment: Attachment) -> EngineRequest {
    var query: [(name: String, value: String)] = [("stream", "1")]
    if attachment.input { query.append(("stdin", "1")) }
    if attachment.output { query.append(("stdout", "1")) }
    if attachment.errors { query.append(("stderr", "1")) }
    if let keys = attachment.detachKeys { query.append(("detachKeys", keys.text)) }
    return EngineRequest(
      method: .post,
      path: "/containers/\(EngineRequest.percentEncoded(id.rawValue))/attach",
      query: query,
      timeout: nil,
      purpose: "attach to container \(id)"
    )
  }

  /// Attends to a container, which gets the signals.
  func attend(
    _ stream: inout UpgradedStream,
    _ attachment: Attachment,
    to id: ContainerID,
    _ console: any CommandConsole
  ) async throws -> AttachmentEnd {
    let client = client
    return try await attend(&stream, attachment, resizePath: client.containerPath(id, "/resize"), console) {
      name async in
      try? await client.kill(id, signal: name)
    }
  }

  /// Carries bytes, the terminal's size and signals until the other side ends or the detach keys come.
  func attend(
    _ stream: inout UpgradedStream,
    _ attachment: Attachment,
    resizePath: String,
    _ console: any CommandConsole,
    signal: @escaping @Sendable (String) async -> Void
  ) async throws -> AttachmentEnd {
    let isTyped = attachment.hasTerminal && attachment.input && console.isInputTerminal
    if isTyped { console.passKeysOn() }
    defer { if isTyped { console.restoreTerminal() } }
    let sender = stream.sender
    let client = client
    // Before anything is typed, so that what is typed finds it.
    let isSized = !attachment.hasTerminal ? true : await client.resize(resizePath, console.size)
    return try await withThrowingTaskGroup(of: AttachmentEnd.self) { group in
      if attachment.input, console.hasInput {
        let keys = attachment.hasTerminal ? attachment.detachKeys ?? .standard : nil
        group.addTask { await Self.passInput(console, to: sender, keys) }
      }
      if attachment.passesSignals || (attachment.hasTerminal && console.size != nil) {
        group.addTask {
          if !isSized { await client.resizeWhenReady(resizePath, console.size) }
          await console.followSignals { event in
            switch event {
            case .sizeChanged:
              if attachment.hasTerminal { _ = await client.resize(resizePath, console.size) }
            case .signal(let name): await signal(name)
            }
          }
          return .ended
        }
      }
      var splitter = FrameSplitter(isRaw: attachment.hasTerminal)
      while let bytes = try await stream.next() {
        for piece in try splitter.receive(bytes) { await console.write(piece.bytes, to: piece.stream) }
      }
      group.cancelAll()
      try Task.checkCancellation()
      var end = AttachmentEnd.ended
      for try await other in group {
        if case .left = other { end = .left }
      }
      return end
    }
  }

  private static func passInput(
    _ console: any CommandConsole,
    to sender: UpgradedStream.Sender,
    _ keys: DetachKeys?
  ) async -> AttachmentEnd {
    var watch = keys.map { DetachKeyWatch($0) }
    while var bytes = await console.read() {
      var isLeaving = false
      if watch != nil { (bytes, isLeaving) = watch?.receive(bytes) ?? (bytes, false) }
      // Whoever does not read any more has ended, which the reader finds.
      if !bytes.isEmpty { guard (try? await sender.send(bytes)) != nil else { return .ended } }
      if isLeaving {
        sender.hangUp()
        return .left
      }
    }
    if !Task.isCancelled { sender.finish() }
    return .ended
  }
}

extension DockerEngineClient {
  /// Tells a terminal's size.
  ///
  /// - Returns: Whether the engine has taken it, or there is none to tell; one that has ended takes none.
  func resize(_ path: String, _ size: ConsoleSize?) async -> Bool {
    guard let size else { return true }
    let query = [(name: "h", value: String(size.rows)), (name: "w", value: String(size.columns))]
    let request = EngineRequest(method: .post, path: path, query: query, purpose: "resize a terminal")
    return (try? await perform(request)) != nil
  }

  /// The same for a command that the engine may not have started yet.
  func resizeWhenReady(_ path: String, _ size: ConsoleSize?) async {
    var backOff = BackOff()
    for _ in 0..<5 {
      guard (try? await backOff.pause()) != nil else { return }
      if await resize(path, size) { return }
    }
  }

  /// Waits for a container's end over one connection.
  ///
  /// - Parameters:
  ///   - id: The container.
  ///   - condition: `next-exit` or `removed`, which may be asked for before the start; nil waits until it does not run.
  ///   - stands: Called when the engine has taken the question.
  /// - Returns: The exit code.
  /// - Throws: ``DockerEngineError``, `unreachable` when the connection breaks off.
  func waitOnce(
    _ id: ContainerID,
    condition: String?,
    stands: @Sendable () -> Void = {}
  ) async throws(DockerEngineError) -> Int32 {
    var request = EngineRequest(
      method: .post,
      path: containerPath(id, "/wait"),
      timeout: nil,
      purpose: "wait for container \(id)"
    )
    if let condition { request.query = [("condition", condition)] }
    var bytes: [UInt8] = []
    try await stream(request, started: { stands() }) { piece in
      bytes += piece
      return bytes.count <= EngineConnection.answerLimitBytes
    }
    guard let answer = try? JSONValue(parsing: bytes), let code = answer["StatusCode"]?.int64 else {
      throw DockerEngineError(.unreachable, "\(request.purpose): the engine ended the connection")
    }
    if let problem = answer["Error"]?["Message"]?.string, !problem.isEmpty {
      throw DockerEngineError(.engineFailure, "\(request.purpose): \(problem)")
    }
    return Int32(clamping: code)
  }
}
