// SPDX-License-Identifier: Apache-2.0
import Logging

/// Logs and events.
extension DockerEngineClient {
  /// Hands over a container's output line by line, after `since` until it ends.
  ///
  /// Survives restarts of the engine: after a break it goes on behind the last line. Where the container's log driver
  /// cannot be read, one line on standard error says so.
  ///
  /// - Parameters:
  ///   - id: The container.
  ///   - since: How far the log has been read already; nil starts at the beginning.
  ///   - output: Gets each line in the order of the log.
  /// - Throws: ``DockerEngineError``; `notFound` when the container is gone, `cancelled`.
  public func followLogs(
    _ id: ContainerID,
    since: LogCursor?,
    output: @escaping @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    var cursor = since ?? LogCursor()
    var backOff = BackOff()
    while true {
      do {
        let isRaw = try await inspect(id.rawValue).hasTerminal
        try await readLog(of: id, isRaw: isRaw, follow: true, cursor: &cursor, output: output)
        // The end of the stream is the end of the container, or of the engine.
        guard try await inspectState(id).isRunning else {
          // Engines end a followed stream now and then before its last message; by now the log is complete.
          return try await readLog(of: id, isRaw: isRaw, follow: false, cursor: &cursor, output: output)
        }
      } catch  where error.code == .notFound || error.code == .cancelled {
        throw error
      } catch  where Self.isUnreadableLog(error) {
        output(OutputLine(.standardError, "\(error)"))
        return
      } catch {
        logger.debug("log broke off", metadata: ["docker.container": "\(id)", "error": "\(error)"])
      }
      guard (try? await backOff.pause()) != nil else {
        throw DockerEngineError(.cancelled, "follow the log of container \(id): cancelled")
      }
    }
  }

  /// Where a container's log ends now; nil when it is empty or cannot be read.
  func endOfLog(of container: ContainerDetails) async -> LogCursor? {
    let request = EngineRequest(
      method: .get,
      path: "/containers/\(EngineRequest.percentEncoded(container.id.rawValue))/logs",
      query: [("stdout", "1"), ("stderr", "1"), ("timestamps", "1"), ("tail", "1")],
      purpose: "read the end of the log of container \(container.id)"
    )
    var decoder = LogDecoder(isRaw: container.hasTerminal)
    guard let answer = try? await perform(request), let lines = try? decoder.receive(answer.body) else { return nil }
    return (lines + decoder.finish()).compactMap(\.position).max().map { LogCursor(behind: $0) }
  }

  private static func isUnreadableLog(_ error: DockerEngineError) -> Bool {
    error.message.contains("does not support reading")
  }

  /// Reads a log behind `cursor`, to its present end or, with `follow`, to the end of the container.
  ///
  /// A last line without newline is handed over only without `follow`, when it is known to be complete.
  private func readLog(
    of id: ContainerID,
    isRaw: Bool,
    follow: Bool,
    cursor: inout LogCursor,
    output: @Sendable (OutputLine) -> Void
  ) async throws(DockerEngineError) {
    var request = EngineRequest(
      method: .get,
      path: "/containers/\(EngineRequest.percentEncoded(id.rawValue))/logs",
      query: [("follow", follow ? "1" : "0"), ("stdout", "1"), ("stderr", "1"), ("timestamps", "1")],
      timeout: nil,
      purpose: "read the log of container \(id)"
    )
    if let start = cursor.since {
      request.query.append(("since", EngineTime.sinceParameter(nanosecondsSinceEpoch: start.nanosecondsSinceEpoch)))
    }
    var decoder = LogDecoder(isRaw: isRaw)
    var rereading = LogRereading(from: cursor)
    func hand(_ lines: [OutputLine]) {
      for line in lines where rereading.isNew(line) {
        cursor.pass(line)
        output(line)
      }
    }
    try await stream(request) { bytes in
      hand(try decoder.receive(bytes))
      return true
    }
    if !follow { hand(decoder.finish()) }
  }

  /// Delivers what happens to containers until the task is cancelled, reconnecting by itself.
  ///
  /// After a break the engine is asked for what happened since the last event; it remembers 256 events, so whoever
  /// needs the whole truth compares the list of containers at each ``EngineEventUpdate/connected``.
  public func followEvents(_ deliver: (EngineEventUpdate) async -> Void) async {
    var since: Int64 = 0
    var backOff = BackOff()
    while !Task.isCancelled {
      var request = EngineRequest(method: .get, path: "/events", timeout: nil, purpose: "follow the engine's events")
      request.query = [("filters", "{\"type\":[\"container\"]}")]
      if since > 0 { request.query.append(("since", EngineTime.sinceParameter(nanosecondsSinceEpoch: since + 1))) }
      var splitter = JSONLineSplitter()
      var isConnected = false
      var reason = "the engine ended the stream"
      do {
        try await stream(
          request,
          started: {
            isConnected = true
            await deliver(.connected)
          },
          piece: { bytes in
            for event in try splitter.receive(bytes).compactMap({ EngineEvent($0) }) {
              since = max(since, event.timeNanoseconds)
              await deliver(.event(event))
            }
            return true
          }
        )
      } catch {
        reason = error.message
      }
      guard !Task.isCancelled else { return }
      if isConnected { backOff.reset() }
      await deliver(.disconnected(reason: reason))
      guard (try? await backOff.pause()) != nil else { return }
    }
  }
}
