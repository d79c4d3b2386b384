// SPDX-License-Identifier: Apache-2.0

extension PlanBuilder {
  /// Sorts the units of the document: built-ins are switched, services of the document's own are run, the rest is named.
  ///
  /// Source: specs/cloud-config.md §10.
  mutating func planUnits(_ sections: [Section]) -> BuiltInUnits {
    var units = BuiltInUnits()
    if let first = sections.dropFirst(Self.unitLimit).first {
      log.error(at: first.mark, "the list has more than \(Self.unitLimit) units")
    }
    for section in sections.prefix(Self.unitLimit) {
      guard let name = section["name"]?.string.map({ String($0.trimmingBlanks()) }), !name.isEmpty else {
        log.error(at: section.mark, "a unit needs a name, as in \"name: hello.service\"")
        continue
      }
      let mark = section["name"]?.mark ?? section.mark
      if let problem = nameProblem(name) {
        log.error(at: mark, problem)
        continue
      }
      warnIndentedKeys(section["content"])
      switch name {
      case "etcd.service", "etcd2.service", "etcd-member.service":
        flip(&units.etcd, section)
        units.etcdEnvironment += variables(section, name, prefix: "ETCD_")
        warnContent(section, "coracle's own store runs instead")
      case "fleet.service":
        flip(&units.fleet, section)
        units.fleetEnvironment += variables(section, name, prefix: "FLEET_")
        warnContent(section, "coracle's own agent runs instead")
      case "fleet.socket":
        if switched(section) == .on, units.fleet == .unset { units.fleet = .on }
        units.fleetListenURLs += listenStreams(section)
      case "docker.service":
        flip(&units.docker, section)
        if carrier == .systemd {
          addLocal(planForSystemd(name, section, at: mark), at: mark, to: &units)
        } else if section["drop_ins"] != nil || section["content"] != nil {
          log.warning(at: mark, "docker.service: coracle uses the engine that runs here and does not configure it")
        }
      case "registrator.service":
        flip(&units.registrator, section)
        warnContent(section, "coracle's own registrator runs instead")
      case _ where carrier == .node && isEngineSocket(name, section, among: sections):
        if let plan = planEngineSocket(name, section, at: mark) {
          units.engineSockets.append(BuiltInUnits.EngineSocket(plan: plan, mark: mark))
        }
      default:
        planOwn(name, section, at: mark, &units)
      }
    }
    return units
  }

  private func nameProblem(_ name: String) -> String? {
    let suffixes = [
      "service", "socket", "timer", "path", "device", "mount", "automount", "target", "swap", "slice", "scope",
      "network", "netdev", "link",
    ]
    guard !name.contains("/"), name.first != ".", name.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 32 }) else {
      return "\"\(name)\" cannot be the name of a unit"
    }
    let suffix = name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? ""
    guard suffixes.contains(suffix) else {
      let stem = name.dropLast(suffix.count)
      if stem.last == ".", let near = suffixes.first(where: { KeySuggestion.distance(suffix, $0) <= 2 }) {
        return "the unit name \"\(name)\" has no known suffix; did you mean \"\(stem)\(near)\"?"
      }
      return "the unit name \"\(name)\" needs a suffix, as in \"\(name).service\""
    }
    return nil
  }

  func switched(_ section: Section) -> BuiltInUnits.Switch {
    if section["mask"]?.boolean == true { return .off }
    switch section["command"]?.string.flatMap(LocalUnitPlan.Command.init(rawValue:)) {
    case .stop: return .off
    case .start, .restart, .reloadOrRestart: return .on
    case .reload, .tryRestart, .reloadOrTryRestart, nil: return section["enable"]?.boolean == true ? .on : .unset
    }
  }

  private func flip(_ unit: inout BuiltInUnits.Switch, _ section: Section) {
    let value = switched(section)
    if value != .unset { unit = value }
  }

  private mutating func warnContent(_ section: Section, _ what: String) {
    guard let name = section["name"]?.string, let content = section["content"] else { return }
    log.warning(at: content.keyMark, "the content of \(name) has no effect: \(what)")
  }

  /// A key of the document that slipped into the text of a unit.
  private mutating func warnIndentedKeys(_ content: Setting?) {
    guard let content, content.block != nil, let text = content.string else { return }
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let bare = line.trimmingBlanks()
      guard Self.isKeyOfItem(bare) else { continue }
      log.warning(
        at: content.mark(ofLine: index, column: line.unicodeScalars.prefix { $0 == " " || $0 == "\t" }.count),
        "\"\(bare)\" is part of the unit's text here, where it means nothing; indent it less"
      )
    }
  }

  /// Whether a line of a unit's text looks like a key of the list of units.
  static func isKeyOfItem(_ line: Substring) -> Bool {
    ["command: ", "enable: ", "mask: ", "runtime: ", "drop-ins:", "drop_ins:", "- name: "]
      .contains { line.hasPrefix($0) }
  }

  // MARK: Local units

  mutating func planLocal(
    _ name: String,
    _ kind: String,
    _ section: Section,
    at mark: SourceMark
  ) -> LocalUnitPlan? {
    let content = section["content"]?.string
    let isMasked = section["mask"]?.boolean ?? false
    guard Self.localKinds.contains(kind) else {
      log.warning(
        at: mark,
        "\(name) is accepted and has no effect: .\(kind) units are not run by a node; \"coracle: {local-units: systemd}\" "
          + "leaves units to systemd"
      )
      return nil
    }
    if name == "flanneld.service" {
      log.warning(
        at: mark,
        "flanneld.service is accepted and has no effect: there is no overlay network in this version"
      )
      return nil
    }
    if let started = startedBuiltIn(name, kind, section["content"]) {
      log.warning(
        at: mark,
        "\(name) is accepted and has no effect: \(started), which it would start, is built in and no unit here"
      )
      return nil
    }
    // Drop-ins alone add to a unit that fleet brings.
    let dropIns = dropIns(section)
    guard content != nil || isMasked || !dropIns.isEmpty else {
      log.warning(at: mark, "\(name) is accepted and has no effect: it has no content here and is not built in")
      return nil
    }
    if content == nil, !isMasked, section["command"] != nil || section["enable"]?.boolean == true {
      log.warning(
        at: mark,
        "\(name) is not started here: it has no content, and its drop-ins add to the unit of that name that fleet brings"
      )
    }
    checkText(section["content"], of: name)
    for dropIn in dropIns { checkText(dropIn.content, of: "\(dropIn.name) of \(name)") }
    return unit(name, section, dropIns)
  }

  /// Items of the list of units.
  private static let unitLimit = 1_000
  /// Types of units that the node runs.
  private static let localKinds = ["service", "socket", "timer", "path", "target"]
  private static let builtInServices = [
    "etcd.service", "etcd2.service", "etcd-member.service", "fleet.service", "docker.service", "registrator.service",
  ]

  /// The built-in that a socket, timer or path would start; nil for anything else.
  private func startedBuiltIn(_ name: String, _ kind: String, _ content: Setting?) -> String? {
    guard let content, ["socket", "timer", "path"].contains(kind) else { return nil }
    let key = kind == "socket" ? "Service" : "Unit"
    let named = UnitTextLine.lines(of: content).last { $0.section.lowercased() == kind && $0.key == key }?.value
    let started = named ?? "\(name.dropLast(kind.count + 1)).service"
    return Self.builtInServices.contains(started) ? started : nil
  }

  mutating func dropIns(_ section: Section) -> [(name: String, content: Setting)] {
    var found: [(name: String, content: Setting)] = []
    for dropIn in section["drop_ins"]?.sections ?? [] {
      guard let name = dropIn["name"]?.string, let content = dropIn["content"], content.string != nil else {
        log.error(at: dropIn.mark, "a drop-in needs a name and a content")
        continue
      }
      guard name.hasSuffix(".conf"), !name.contains("/") else {
        log.error(
          at: dropIn["name"]?.mark ?? dropIn.mark,
          "\"\(name)\" cannot be a drop-in; its name must end in .conf"
        )
        continue
      }
      found.append((name, content))
    }
    return found
  }

  // MARK: Drop-ins of built-ins

  private mutating func variables(_ section: Section, _ unit: String, prefix: String) -> [BuiltInUnits.Variable] {
    var found: [BuiltInUnits.Variable] = []
    for dropIn in dropIns(section).sorted(by: { $0.name < $1.name }) {
      for line in UnitTextLine.lines(of: dropIn.content) {
        guard line.section == "Service", line.key == "Environment" else {
          log.warning(at: line.mark, "\(line.key)= in a drop-in of \(unit) has no effect; only Environment= has")
          continue
        }
        for assignment in line.assignments {
          guard assignment.name.hasPrefix(prefix) else {
            log.warning(at: line.mark, "\(assignment.name) has no effect on \(unit)")
            continue
          }
          let key = assignment.name.dropFirst(prefix.count).lowercased()
          let scalar = YAMLScalar(text: assignment.value, style: .plain, endLine: line.mark.line)
          found.append(
            BuiltInUnits.Variable(
              key: key,
              node: YAMLNode(mark: line.mark, content: .scalar(scalar)),
              mark: line.mark,
              standsAboveSection: dropIn.name > "20-cloudinit.conf"
            )
          )
        }
      }
    }
    return found
  }

  private mutating func listenStreams(_ section: Section) -> [EndpointURL] {
    var urls: [EndpointURL] = []
    let texts = (section["content"].map { [$0] } ?? []) + dropIns(section).map(\.content)
    for line in texts.flatMap({ UnitTextLine.lines(of: $0) }) where line.key == "ListenStream" {
      let value = line.value
      if value.isEmpty || value.hasPrefix("/") { continue }
      let text = Int(value) == nil ? "http://\(value)" : "http://0.0.0.0:\(value)"
      do {
        urls.append(try EndpointURL(parsing: text))
      } catch {
        log.error(at: line.mark, "ListenStream=\(value) of fleet.socket: \(error)")
      }
    }
    return urls
  }
}
