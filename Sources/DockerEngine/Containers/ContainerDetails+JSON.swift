// SPDX-License-Identifier: Apache-2.0

extension ContainerDetails {
  /// Reads an answer to `GET /containers/ID/json`; nil when it names no container.
  init?(_ json: JSONValue) {
    guard let id = json["Id"]?.string else { return nil }
    let configuration = json["Config"]
    let settings = json["NetworkSettings"]
    self.init(
      id: ContainerID(id),
      name: Self.withoutSlash(json["Name"]?.string ?? ""),
      image: configuration?["Image"]?.string ?? "",
      environment: configuration?["Env"]?.elements.compactMap(\.string) ?? [],
      labels: Self.labels(configuration?["Labels"]),
      exposedPorts: (configuration?["ExposedPorts"]?.members ?? []).compactMap { ContainerPort($0.name) }.sorted(),
      publishedPorts: Self.publishedPorts(settings?["Ports"]),
      networkMode: json["HostConfig"]?["NetworkMode"]?.string ?? "default",
      networks: Self.networks(settings),
      containerState: ContainerState(json["State"] ?? .null)
    )
    hasTerminal = configuration?["Tty"]?.bool ?? false
    stopTimeoutSeconds = configuration?["StopTimeout"]?.int64
    stopSignal = (configuration?["StopSignal"]?.string).flatMap { $0.isEmpty ? nil : $0 }
  }

  static func withoutSlash(_ name: String) -> String {
    name.hasPrefix("/") ? String(name.dropFirst()) : name
  }

  static func labels(_ json: JSONValue?) -> [String: String] {
    let pairs = (json?.members ?? []).compactMap { member in member.value.string.map { (member.name, $0) } }
    return Dictionary(pairs) { _, last in last }
  }

  private static func publishedPorts(_ json: JSONValue?) -> [PublishedPort] {
    (json?.members ?? []).compactMap { member in
      guard let port = ContainerPort(member.name) else { return nil }
      let bindings = member.value.elements.compactMap { binding -> PublishedPort.Binding? in
        guard let hostPort = UInt16(binding["HostPort"]?.string ?? "") else { return nil }
        return PublishedPort.Binding(hostIP: binding["HostIp"]?.string ?? "", hostPort: hostPort)
      }
      return PublishedPort(port: port, bindings: bindings)
    }
    .sorted { $0.port < $1.port }
  }

  private static func networks(_ settings: JSONValue?) -> [Network] {
    let networks = (settings?["Networks"]?.members ?? [])
      .map { Network(name: $0.name, ip: $0.value["IPAddress"]?.string ?? "") }
      .sorted { $0.name < $1.name }
    // Engines before networks had names (API 1.20) know one address only.
    if networks.isEmpty, let ip = settings?["IPAddress"]?.string, !ip.isEmpty {
      return [Network(name: "bridge", ip: ip)]
    }
    return networks
  }
}

extension ContainerState {
  /// Reads the `State` member of an inspect answer.
  init(_ json: JSONValue) {
    let word = json["Status"]?.string ?? (json["Running"]?.bool == true ? "running" : "exited")
    status =
      switch word {
      case "created", "configured", "initialized": .created
      case "running", "stopping": .running
      case "paused": .paused
      case "restarting": .restarting
      case "removing": .removing
      case "exited", "stopped": .exited
      case "dead": .dead
      default: .unknown(word)
      }
    processID = Int32(clamping: json["Pid"]?.int64 ?? 0)
    exitCode = Int32(clamping: json["ExitCode"]?.int64 ?? 0)
    oomKilled = json["OOMKilled"]?.bool ?? false
    error = json["Error"]?.string ?? ""
    startedAt = json["StartedAt"]?.string ?? ""
    finishedAt = json["FinishedAt"]?.string ?? ""
    health = (json["Health"]?["Status"]?.string).flatMap(ContainerHealth.init(rawValue:))
  }
}

extension ContainerSummary {
  /// Reads one row of `GET /containers/json`.
  init?(_ json: JSONValue) {
    guard let id = json["Id"]?.string else { return nil }
    // A container that others link to has more names, `/other/alias`; its own has no second slash.
    let names = json["Names"]?.elements.compactMap(\.string).map(ContainerDetails.withoutSlash) ?? []
    self.init(
      id: ContainerID(id),
      name: names.first { !$0.contains("/") } ?? names.first ?? "",
      image: json["Image"]?.string ?? "",
      labels: ContainerDetails.labels(json["Labels"]),
      isRunning: ["running", "paused", "restarting"].contains(json["State"]?.string ?? ""),
      isNew: json["State"]?.string == "created"
    )
  }
}
