// SPDX-License-Identifier: Apache-2.0
import Glibc

/// `logs` and `events`.
extension DockerCommandExecutor {
  func logs(_ options: LogsOptions, _ console: any CommandConsole) async throws(DockerEngineError) -> CommandResult {
    let details = try await client.inspectJSON(container: options.container)
    var query: [(name: String, value: String)] = [("stdout", "1"), ("stderr", "1")]
    if options.isFollowed { query.append(("follow", "1")) }
    if options.showsTimestamps { query.append(("timestamps", "1")) }
    if options.showsDetails { query.append(("details", "1")) }
    query.append(("tail", options.tail ?? "all"))
    if let since = options.since { query.append(("since", try CommandTime.parameter(since, flag: "--since"))) }
    if let until = options.until { query.append(("until", try CommandTime.parameter(until, flag: "--until"))) }
    let id = ContainerID(details["Id"]?.string ?? options.container)
    let request = EngineRequest(
      method: .get,
      path: client.containerPath(id, "/logs"),
      query: query,
      timeout: nil,
      purpose: "read the log of container \(options.container)"
    )
    var splitter = FrameSplitter(isRaw: details["Config"]?["Tty"]?.bool ?? false)
    try await client.stream(request) { bytes in
      for piece in try splitter.receive(bytes) { await console.write(piece.bytes, to: piece.stream) }
      return true
    }
    return CommandResult(exitCode: 0)
  }

  func events(_ options: EventsOptions, _ console: any CommandConsole) async throws(DockerEngineError) -> CommandResult
  {
    let text = try EventText(format: options.format)
    var request = EngineRequest(method: .get, path: "/events", timeout: nil, purpose: "follow the engine's events")
    if let filters = options.filters.queryValue { request.query.append(("filters", filters)) }
    if let since = options.since { request.query.append(("since", try CommandTime.parameter(since, flag: "--since"))) }
    if let until = options.until { request.query.append(("until", try CommandTime.parameter(until, flag: "--until"))) }
    var splitter = JSONLineSplitter()
    try await client.stream(request) { bytes in
      for event in try splitter.receive(bytes) {
        await console.write(Array((try text.line(event) + "\n").utf8), to: .standardOutput)
      }
      return true
    }
    return CommandResult(exitCode: 0)
  }
}

/// Times on a command line: seconds since 1970, `2013-01-02T13:23:37Z` and shorter, or a while ago (`42m`).
enum CommandTime {
  /// The time as the Engine API takes it.
  static func parameter(_ text: String, flag: String) throws(DockerEngineError) -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let nanoseconds = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    guard let parameter = parameter(text, nowNanoseconds: nanoseconds, localOffset: localOffset) else {
      throw DockerEngineError(.badRequest, "\(flag) \(text): expected a time such as 2013-01-02T13:23:37Z or 42m")
    }
    return parameter
  }

  /// The same for a given moment.
  ///
  /// - Parameters:
  ///   - text: The time as written.
  ///   - nowNanoseconds: The moment, since 1970.
  ///   - localOffset: Seconds that the local time is ahead of UTC at a time that is written without a zone, which is
  ///     given as if it were UTC.
  /// - Returns: Seconds and nanoseconds; nil when it is no time.
  static func parameter(
    _ text: String,
    nowNanoseconds: Int64,
    localOffset: (_ wallSeconds: Int64) -> Int64
  ) -> String? {
    if isSeconds(text) { return text }
    let ago = FoundFlag(name: "", value: text.hasPrefix("-") ? String(text.dropFirst()) : text)
    if let duration = try? ago.nanoseconds() {
      let time = nowNanoseconds - (text.hasPrefix("-") ? -duration : duration)
      return EngineTime.sinceParameter(nanosecondsSinceEpoch: max(0, time))
    }
    if let time = EngineTime.nanosecondsSinceEpoch(text) {
      return EngineTime.sinceParameter(nanosecondsSinceEpoch: time)
    }
    // Shorter forms: a day, an hour, a minute, with or without a zone.
    let patterns = ["T00:00:00", ":00:00", ":00", ""]
    for (length, pattern) in zip([10, 13, 16, 19], patterns) where text.count >= length {
      let wall = text.prefix(length) + pattern
      let zone = text.dropFirst(length)
      if let time = EngineTime.nanosecondsSinceEpoch(wall + zone), !zone.isEmpty {
        return EngineTime.sinceParameter(nanosecondsSinceEpoch: time)
      }
      if zone.isEmpty || zone.hasPrefix("."), let time = EngineTime.nanosecondsSinceEpoch(wall + zone + "Z") {
        let local = time - localOffset(time / 1_000_000_000) * 1_000_000_000
        return EngineTime.sinceParameter(nanosecondsSinceEpoch: local)
      }
    }
    return nil
  }

  private static func isSeconds(_ text: String) -> Bool {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
  }

  private static func localOffset(_ wallSeconds: Int64) -> Int64 {
    var time = time_t(wallSeconds)
    var local = tm()
    localtime_r(&time, &local)
    return Int64(local.tm_gmtoff)
  }
}
