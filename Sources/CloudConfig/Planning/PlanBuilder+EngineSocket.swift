// SPDX-License-Identifier: Apache-2.0
import Units

/// Sockets that would start the Docker Engine, such as `docker-tcp.socket`: the node listens there itself.
extension PlanBuilder {
  /// Who may use a socket that is a file, unless the unit says; systemd's own default lets in everybody.
  private static let mode: UInt32 = 0o660

  /// Whether a unit is a socket of the engine; `others` are all units of the document.
  func isEngineSocket(_ name: String, _ section: Section, among others: [Section]) -> Bool {
    guard name.hasSuffix(".socket"), section["content"]?.string != nil else { return false }
    let named = socketLines(section).last { $0.key == "Service" }?.value
    if let named, !named.isEmpty { return named == SocketDefinition.engineService }
    if name == "docker.socket" { return true }
    // The name that everybody gave it; one who forgot Service= can mean nothing else.
    return name == "docker-tcp.socket" && !others.contains { $0["name"]?.string == "docker-tcp.service" }
  }

  /// Plans it; nil when it is switched off, or when something is wrong, which is reported.
  mutating func planEngineSocket(_ name: String, _ section: Section, at mark: SourceMark) -> EngineSocketPlan? {
    switch switched(section) {
    case .off: return nil
    case .unset:
      log.warning(at: mark, "\(name) has no effect: it needs \"command: start\" or \"enable: true\" to be on")
      return nil
    case .on: break
    }
    // What is wrong with the form of its drop-ins is said here.
    _ = dropIns(section)
    let lines = socketLines(section)
    guard let definition = engineSocket(name, section, lines, at: mark) else { return nil }
    var plan = EngineSocketPlan(
      unit: name,
      places: [],
      settings: definition.settings,
      user: definition.user,
      group: definition.group
    )
    if !lines.contains(where: { $0.key == "SocketMode" }) { plan.settings.mode = Self.mode }
    for listener in definition.listeners {
      for place in EngineSocketPlan.places(for: listener, definition.settings.ipv6Binding)
      where !plan.places.contains(where: { $0.listener == place.listener }) {
        plan.places.append(place)
      }
    }
    warnOpen(plan, lines, at: mark)
    return plan
  }

  /// Sockets of an engine that is switched off have nothing to lead to.
  mutating func checkEngineSockets(_ sockets: [BuiltInUnits.EngineSocket], _ plan: inout BootPlan) {
    guard plan.dockerURL == "none" else { return }
    for socket in sockets {
      log.warning(
        at: socket.mark,
        "\(socket.plan.unit) has no effect: the Docker Engine is switched off in this document"
      )
    }
    plan.engineSockets = []
  }

  private mutating func engineSocket(
    _ name: String,
    _ section: Section,
    _ lines: [UnitTextLine],
    at mark: SourceMark
  ) -> SocketDefinition? {
    guard let unit = try? UnitName(name) else {
      log.error(at: mark, "\"\(name)\" cannot be the name of a unit")
      return nil
    }
    var file = UnitFile(options: [])
    for text in texts(section) {
      do {
        file.options += try UnitFile(parsing: text.string ?? "").options
      } catch {
        log.error(at: text.mark(ofLine: error.line - 1), "\(name): \(error)")
        return nil
      }
    }
    let values = SpecifierValues(
      machineID: specifiers.machineID,
      bootID: specifiers.bootID,
      hostName: specifiers.hostname,
      kernelRelease: specifiers.kernelRelease
    )
    let reading = ServiceReading(file, name: unit, specifiers: values)
    var isGood = report(reading.findings, of: name, lines, at: mark)
    guard case .socket(let definition) = reading.kind else { return nil }
    if let other = definition.listeners.first(where: { $0.kind != .stream }) {
      let line = lines.first { $0.key == "Listen\(other.kind.rawValue)" }
      log.error(at: line?.mark ?? mark, "\(name): the engine is reached by ListenStream= alone")
      isGood = false
    }
    return isGood ? definition : nil
  }

  /// - Returns: Whether none is an error.
  private mutating func report(
    _ findings: [UnitFinding],
    of name: String,
    _ lines: [UnitTextLine],
    at mark: SourceMark
  ) -> Bool {
    var isGood = true
    for finding in findings where finding != .socketOfEngine {
      let key: String? =
        switch finding {
        case .badValue(_, let key, _, _), .ignoredValue(_, let key, _, _), .valueNotCarriedOut(_, let key, _, _),
          .notCarriedOut(_, let key), .unknown(_, let key, _):
          key
        default: nil
        }
      let place = lines.last { $0.key == key }?.mark ?? mark
      switch finding.severity {
      case .error:
        log.error(at: place, "\(name): \(finding)")
        isGood = false
      case .warning: log.warning(at: place, "\(name): \(finding)")
      case .note: break
      }
    }
    return isGood
  }

  private mutating func warnOpen(_ plan: EngineSocketPlan, _ lines: [UnitTextLine], at mark: SourceMark) {
    let open = plan.places.filter(\.isOpen).map(\.listener.place)
    guard !open.isEmpty else { return }
    let line = lines.first { $0.key == "ListenStream" && open.contains($0.value) }
    log.warning(
      at: line?.mark ?? mark,
      "\(plan.unit) opens the Docker Engine to the network at \(open.joined(separator: ", ")), without TLS: whoever"
        + " reaches it is root on this machine; a port without an address stays on loopback"
    )
  }

  /// The texts of a unit: its content and its drop-ins in the order in which they count.
  private func texts(_ section: Section) -> [Setting] {
    let dropIns = section["drop_ins"]?.sections ?? []
    let sorted = dropIns.sorted { ($0["name"]?.string ?? "") < ($1["name"]?.string ?? "") }
    return ([section["content"]] + sorted.map { $0["content"] }).compactMap { $0 }
  }

  private func socketLines(_ section: Section) -> [UnitTextLine] {
    texts(section).flatMap { UnitTextLine.lines(of: $0) }.filter { $0.section == "Socket" }
  }
}
