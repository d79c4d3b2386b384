// SPDX-License-Identifier: Apache-2.0

/// Makes the boot plan of a document that has been read, and checks what the schema cannot.
struct PlanBuilder {
  var reader: SchemaReader
  let addresses: AddressTokens
  let specifiers: MachineSpecifiers
  /// Variables of the process.
  var environment: [String: String] = [:]
  /// Whether the node changes this computer, so that nothing need be said about it.
  var appliesSystem = false
  /// Who runs units of the document.
  private(set) var carrier = LocalUnitPlan.Carrier.node

  var log: FindingLog {
    get { reader.log }
    // In place: a copy for each finding would take time that grows with their square.
    _modify { yield &reader.log }
  }

  init(addresses: AddressTokens, specifiers: MachineSpecifiers, log: FindingLog) {
    reader = SchemaReader(log: log)
    self.addresses = addresses
    self.specifiers = specifiers
  }

  mutating func plan(from root: YAMLNode) -> BootPlan? {
    guard let document = reader.read(root, as: CloudConfigSchema.root) else {
      reportRoot(root)
      return nil
    }
    let coreos = document["coreos"]?.section ?? .absent
    let coracle = document["coracle"]?.section ?? .absent
    carrier = coracle["local_units"]?.string.flatMap(LocalUnitPlan.Carrier.init) ?? carrier
    let units = planUnits(coreos["units"]?.sections ?? [])
    var plan = BootPlan(localUnits: units.local, system: planSystem(document, coreos))
    plan.localUnitsCarrier = carrier
    plan.system.networkUnits = units.network
    plan.etcd = planEtcd(coreos, units: units)
    plan.fleet = planFleet(coreos["fleet"], units: units, runsEtcd: plan.etcd != nil)
    checkSecurity(coreos["fleet"]?.section?["listen_urls"], plan.fleet, plan.etcd)
    plan.registrator = planRegistrator(coracle["registrator"]?.section ?? .absent, units.registrator)
    plan.dockerURL = units.docker == .off ? "none" : planDocker(coracle["docker"])
    plan.engineSockets = units.engineSockets.map(\.plan)
    checkEngineSockets(units.engineSockets, &plan)
    let hasUnits = !plan.localUnits.isEmpty || !plan.engineSockets.isEmpty
    let changesSystem = appliesSystem && plan.system != SystemPlan(addresses: addresses.variables)
    if plan.etcd == nil, plan.fleet == nil, !hasUnits, !changesSystem, !log.hasErrors {
      log.warning(at: root.mark, "nothing to run: there is neither coreos.etcd2 nor coreos.fleet nor a unit")
    }
    return plan
  }

  /// Says why a document cannot be read whose root is no mapping.
  mutating func reportRoot(_ root: YAMLNode) {
    if case .scalar(let scalar) = root.content, let colon = scalar.text.firstIndex(of: ":") {
      let key = scalar.text[..<colon]
      let value = scalar.text[scalar.text.index(after: colon)...].prefix(40)
      log.error(at: root.mark, "a blank is missing after the colon: write \"\(key): \(value)\"")
    } else {
      log.error(at: root.mark, "the document must be a mapping, with keys such as \"coreos:\"")
    }
  }

  private mutating func planDocker(_ setting: Setting?) -> String? {
    guard let setting, let url = setting.string, !url.isEmpty else { return nil }
    if url != "none", !url.hasPrefix("unix:///") {
      log.error(at: setting.mark, "coracle.docker must be \"none\" or a socket, as in unix:///var/run/docker.sock")
    }
    return url
  }

  // MARK: Values

  /// The value of a text key with systemd's specifiers replaced; nil when it is unset or empty.
  func text(_ section: Section, _ name: String) -> String? {
    guard let text = section[name]?.string, !text.isEmpty else { return nil }
    return expanding(text)
  }

  /// Replaces `%H %m %b %v %%`; any other percent sign stays.
  ///
  /// Source: specs/cloud-config.md §6: values landed in `Environment=`, where systemd expands them.
  func expanding(_ text: String) -> String {
    var result = ""
    var letters = text[...]
    while let letter = letters.popFirst() {
      guard letter == "%", let name = letters.first, let value = specifierValue(name) else {
        result.append(letter)
        continue
      }
      result += value
      letters.removeFirst()
    }
    return result
  }

  private func specifierValue(_ name: Character) -> String? {
    switch name {
    case "H": specifiers.hostname
    case "m": specifiers.machineID
    case "b": specifiers.bootID
    case "v": specifiers.kernelRelease
    case "%": "%"
    default: nil
    }
  }

  /// Parses a list of URLs; nil when the key is unset or a URL is bad, which is reported.
  mutating func urls(_ section: Section, _ name: String, path: String) -> [EndpointURL]? {
    guard let setting = section[name], let text = text(section, name) else { return nil }
    // Also the form of fleet.conf: ["http://a:2379","http://b:2379"].
    let items = text.split(separator: ",")
      .map { $0.trimmingBlanks().filter { !"[]\"".contains($0) || text.first != "[" } }
      .filter { !$0.isEmpty }
    var urls: [EndpointURL] = []
    var known: Set<EndpointURL> = []
    for item in items {
      do {
        let url = try EndpointURL(parsing: String(item))
        if known.insert(url).inserted { urls.append(url) }
      } catch {
        log.error(at: setting.mark, "\(path): \(error)")
        return nil
      }
    }
    if urls.isEmpty { log.error(at: setting.mark, "\(path) names no URL") }
    return urls.isEmpty ? nil : urls
  }

  /// A whole number that must be positive; nil when the key is unset or the number is not, which is reported.
  mutating func positive(_ section: Section, _ name: String, path: String) -> UInt64? {
    guard let setting = section[name], let value = setting.integer else { return nil }
    guard value > 0 else {
      log.error(at: setting.mark, "\(path) must be more than 0, not \(value)")
      return nil
    }
    return UInt64(value)
  }

  /// Seconds as a number that must be positive.
  mutating func seconds(_ section: Section, _ name: String, path: String) -> Duration? {
    guard let setting = section[name], let value = setting.number else { return nil }
    guard value > 0, value < 1e9 else {
      log.error(at: setting.mark, "\(path) must be a number of seconds above 0")
      return nil
    }
    return .nanoseconds(Int64(value * 1e9))
  }
}
