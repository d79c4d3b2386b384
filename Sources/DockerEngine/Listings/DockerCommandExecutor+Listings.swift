// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// The verbs whose output is a list or a document.
extension DockerCommandExecutor {
  func list(
    _ listing: DockerListing,
    _ output: (OutputLine) -> Void
  ) async throws(DockerEngineError) -> CommandResult {
    let lines: [String]
    switch listing {
    case .containers(let options): lines = try await containers(options)
    case .images(let options): lines = try await images(options)
    case .history(let options): lines = try await history(options)
    case .inspect(let options): return try await inspect(options, output)
    case .version(let format): return try await version(format, output)
    case .info(let format): lines = try await info(format)
    case .port(let container, let port): lines = try await ports(of: container, port)
    case .top(let container, let arguments): lines = try await processes(of: container, arguments)
    case .networks(let options): lines = try await networks(options)
    case .volumes(let options): lines = try await volumes(options)
    }
    for line in lines { output(OutputLine(.standardOutput, line)) }
    return CommandResult(exitCode: 0)
  }

  private func containers(_ options: ContainerListOptions) async throws(DockerEngineError) -> [String] {
    var query: [(name: String, value: String)] = options.showsAll ? [("all", "1")] : []
    if let last = options.last { query.append(("limit", String(last))) }
    // Sizes cost the engine time; they are asked for when the template shows them.
    let asksForSize = options.format.map { $0.contains(".Size") || $0.contains("json .") } ?? false
    if options.showsSize || asksForSize { query.append(("size", "1")) }
    if let filters = options.filters.queryValue { query.append(("filters", filters)) }
    let list = try await ask("/containers/json", query, "list containers")
    let now = HumanText.now()
    return try ContainerRows.format(showsSize: options.showsSize).lines(
      list.elements.map { ContainerRows.row($0, isWhole: options.isWhole, now: now) },
      format: options.format,
      isQuiet: options.isQuiet
    )
  }

  private func images(_ options: ImageListOptions) async throws(DockerEngineError) -> [String] {
    let reference = options.reference.map { [ListFilter(name: "reference", value: $0)] } ?? []
    var query: [(name: String, value: String)] = options.showsAll ? [("all", "1")] : []
    if let filters = (options.filters + reference).queryValue { query.append(("filters", filters)) }
    let list = try await ask("/images/json", query, "list images")
    let now = HumanText.now()
    return try ImageRows.format(showsDigests: options.showsDigests).lines(
      list.elements.flatMap { ImageRows.rows($0, options: options, now: now) },
      format: options.format,
      isQuiet: options.isQuiet
    )
  }

  private func history(_ options: HistoryOptions) async throws(DockerEngineError) -> [String] {
    let path = client.imagePath(options.image, "/history")
    let list = try await ask(path, [], "show the history of image \(options.image)")
    let now = HumanText.now()
    return try ImageRows.historyFormat(isHuman: options.isHuman).lines(
      list.elements.map { ImageRows.historyRow($0, options: options, now: now) },
      format: options.format,
      isQuiet: options.isQuiet
    )
  }

  private func networks(_ options: NamedListOptions) async throws(DockerEngineError) -> [String] {
    let list = try await ask("/networks", query(options.filters), "list networks")
    return try NamedRows.networks.lines(
      Self.byName(list.elements).map { NamedRows.network($0, isWhole: options.isWhole) },
      format: options.format,
      isQuiet: options.isQuiet
    )
  }

  private func volumes(_ options: NamedListOptions) async throws(DockerEngineError) -> [String] {
    let list = try await ask("/volumes", query(options.filters), "list volumes")
    return try NamedRows.volumes.lines(
      Self.byName(list["Volumes"]?.elements ?? []).map(NamedRows.volume),
      format: options.format,
      isQuiet: options.isQuiet
    )
  }

  private func query(_ filters: [ListFilter]) -> [(name: String, value: String)] {
    filters.queryValue.map { [("filters", $0)] } ?? []
  }

  private static func byName(_ list: [JSONValue]) -> [JSONValue] {
    list.sorted { HumanText.isBefore($0["Name"]?.string ?? "", $1["Name"]?.string ?? "") }
  }

  // MARK: One container

  private func ports(of container: String, _ port: String?) async throws(DockerEngineError) -> [String] {
    let ports = try await client.inspectJSON(container: container)["NetworkSettings"]?["Ports"]?.members ?? []
    func places(_ member: JSONObject.Member) -> [String] {
      member.value.elements.map {
        "\(ContainerRows.host($0["HostIp"]?.string ?? "")):\($0["HostPort"]?.string ?? "")"
      }
    }
    guard let port else {
      return ports.flatMap { member in places(member).map { "\(member.name) -> \($0)" } }.sorted(by: HumanText.isBefore)
    }
    let wanted = port.contains("/") ? port : "\(port)/tcp"
    let found = ports.filter { $0.name == wanted }.flatMap(places)
    guard !found.isEmpty else {
      throw DockerEngineError(.badRequest, "No public port '\(port)' published for \(container)")
    }
    return found.sorted(by: HumanText.isBefore)
  }

  private func processes(of container: String, _ arguments: [String]) async throws(DockerEngineError) -> [String] {
    let list = try await ask(
      "/containers/\(EngineRequest.percentEncoded(container))/top",
      arguments.isEmpty ? [] : [("ps_args", arguments.joined(separator: " "))],
      "list the processes of container \(container)"
    )
    let rows = [list["Titles"] ?? .null] + (list["Processes"]?.elements ?? [])
    let text = rows.map { $0.elements.map { $0.string ?? "" }.joined(separator: "\t") }.joined(separator: "\n")
    return TextTable.aligned(text, width: 20, padding: 3)
  }
}
