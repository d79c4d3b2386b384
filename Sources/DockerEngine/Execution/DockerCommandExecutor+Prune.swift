// SPDX-License-Identifier: Apache-2.0

/// The verbs `prune`.
extension DockerCommandExecutor {
  func prune(_ options: PruneOptions, _ console: any CommandConsole) async throws(DockerEngineError) -> CommandResult {
    if !options.isForced {
      let warning =
        "WARNING! This will remove \(Self.description(of: options)).\nAre you sure you want to continue? [y/N] "
      let answer = await console.ask(warning, isSecret: false)
      guard let answer, ["y", "yes"].contains(answer.lowercased()) else {
        console.line(OutputLine(.standardError, "docker: prune has been cancelled"))
        return CommandResult(exitCode: 1)
      }
    }
    var reclaimedBytes: Int64 = 0
    for subject in Self.subjects(of: options) {
      reclaimedBytes += try await prune(subject, options, console)
    }
    if options.subject != .networks {
      console.line(OutputLine(.standardOutput, "Total reclaimed space: \(Self.size(reclaimedBytes))"))
    }
    return CommandResult(exitCode: 0)
  }

  private static func subjects(of options: PruneOptions) -> [PruneOptions.Subject] {
    guard options.subject == .system else { return [options.subject] }
    return [.containers, .networks] + (options.removesVolumes ? [.volumes] : []) + [.images]
  }

  private static func description(of options: PruneOptions) -> String {
    subjects(of: options).map { subject in
      switch subject {
      case .containers: "all stopped containers"
      case .networks: "all networks that no container uses"
      case .volumes:
        options.removesNamed ? "all volumes that no container uses" : "anonymous volumes that no container uses"
      case .images, .system: options.removesNamed ? "all images that no container uses" : "all images without a name"
      }
    }.joined(separator: ", ")
  }

  /// - Returns: The bytes that were reclaimed.
  private func prune(
    _ subject: PruneOptions.Subject,
    _ options: PruneOptions,
    _ console: any CommandConsole
  ) async throws(DockerEngineError) -> Int64 {
    var filters = options.filters
    if subject == .images { filters.append(ListFilter(name: "dangling", value: options.removesNamed ? "0" : "1")) }
    if subject == .volumes, options.removesNamed, options.subject == .volumes {
      filters.append(ListFilter(name: "all", value: "1"))
    }
    let answer = try await client.performForJSON(
      EngineRequest(
        method: .post,
        path: "/\(subject.rawValue)/prune",
        query: filters.queryValue.map { [("filters", $0)] } ?? [],
        timeout: nil,
        purpose: "remove unused \(subject.rawValue)"
      )
    )
    var lines: [String] = []
    switch subject {
    case .containers: lines = answer["ContainersDeleted"]?.elements.compactMap(\.string) ?? []
    case .networks: lines = answer["NetworksDeleted"]?.elements.compactMap(\.string) ?? []
    case .volumes: lines = answer["VolumesDeleted"]?.elements.compactMap(\.string) ?? []
    case .images, .system:
      for entry in answer["ImagesDeleted"]?.elements ?? [] {
        if let name = entry["Untagged"]?.string { lines.append("untagged: \(name)") }
        if let id = entry["Deleted"]?.string { lines.append("deleted: \(id)") }
      }
    }
    if !lines.isEmpty {
      let title = subject.rawValue.prefix(1).uppercased() + subject.rawValue.dropFirst()
      console.line(OutputLine(.standardOutput, "Deleted \(title):"))
      for line in lines + [""] { console.line(OutputLine(.standardOutput, line)) }
    }
    return answer["SpaceReclaimed"]?.int64 ?? 0
  }

  /// A size for people, in powers of 1000 with at most four digits.
  static func size(_ bytes: Int64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1000, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    // Four significant digits without trailing zeros, as Go's %.4g.
    let digits = value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((value * scale).rounded())
    var text = String(scaled / Int64(scale))
    let fraction = String(scaled % Int64(scale))
    var decimals = digits == 0 ? "" : String(repeating: "0", count: digits - fraction.count) + fraction
    while decimals.last == "0" { decimals.removeLast() }
    if !decimals.isEmpty { text += "." + decimals }
    return text + units[unit]
  }
}
