// SPDX-License-Identifier: Apache-2.0

extension PlanBuilder {
  /// Plans the fleet agent and engine, if the document starts them.
  ///
  /// Source: specs/fleet.md §10; specs/cloud-config.md §10.
  mutating func planFleet(_ setting: Setting?, units: BuiltInUnits, runsEtcd: Bool) -> FleetPlan? {
    guard units.fleet != .off else { return nil }
    guard setting != nil || units.fleet == .on || !units.fleetEnvironment.isEmpty else { return nil }
    let path = "coreos.fleet"
    var section = setting?.section ?? Section(mark: .start, settings: [:])
    apply(units.fleetEnvironment, to: &section, schema: CloudConfigSchema.fleet)

    var plan = FleetPlan(publicIP: text(section, "public_ip"))
    plan.metadata = planMetadata(section)
    plan.agentTTL = planAgentTTL(section) ?? plan.agentTTL
    plan.engineReconcileInterval =
      seconds(section, "engine_reconcile_interval", path: "\(path).engine-reconcile-interval")
      ?? plan.engineReconcileInterval
    plan.etcdRequestTimeout =
      seconds(section, "etcd_request_timeout", path: "\(path).etcd-request-timeout") ?? plan.etcdRequestTimeout
    plan.isEngineDisabled = section["disable_engine"]?.boolean ?? false
    plan.tokenLimit = positive(section, "token_limit", path: "\(path).token-limit").map { Int($0) } ?? plan.tokenLimit
    plan.verbosity = section["verbosity"]?.integer ?? 0
    plan.etcdKeyPrefix = planPrefix(section) ?? plan.etcdKeyPrefix
    planUser(section, &plan)
    let servers = urls(section, "etcd_servers", path: "\(path).etcd-servers") ?? []
    // Loopback names this node's own member when there is one.
    plan.etcdServers = runsEtcd && servers.allSatisfy(\.isLoopback) ? [] : servers
    plan.listenURLs = urls(section, "listen_urls", path: "\(path).listen-urls") ?? plan.listenURLs
    if section["listen_urls"] == nil, !units.fleetListenURLs.isEmpty { plan.listenURLs = units.fleetListenURLs }
    planSecurity(section, &plan)
    return plan
  }

  /// Who fleet is to a store that others hold.
  private mutating func planUser(_ section: Section, _ plan: inout FleetPlan) {
    plan.etcdUsername = text(section, "etcd_username")
    plan.etcdPassword = text(section, "etcd_password")
    if let password = section["etcd_password"], plan.etcdUsername == nil {
      log.warning(at: password.mark, "coreos.fleet.etcd-password has no effect without coreos.fleet.etcd-username")
    }
  }

  /// Parses `k=v,k=v`: blanks around keys and values go, the last of a key counts, parts without `=` are dropped.
  private mutating func planMetadata(_ section: Section) -> [FleetPlan.MetadataEntry] {
    guard let setting = section["metadata"], let text = text(section, "metadata") else { return [] }
    var values: [String: String] = [:]
    for part in text.split(separator: ",") where !part.trimmingBlanks().isEmpty {
      guard let equals = part.firstIndex(of: "="), !part[..<equals].trimmingBlanks().isEmpty else {
        log.warning(
          at: setting.mark,
          "coreos.fleet.metadata: \"\(part.trimmingBlanks())\" is not of the form key=value and is left out"
        )
        continue
      }
      let key = String(part[..<equals].trimmingBlanks())
      values[key] = String(part[part.index(after: equals)...].trimmingBlanks())
    }
    return values.sorted { $0.key < $1.key }.map { FleetPlan.MetadataEntry(key: $0.key, value: $0.value) }
  }

  private mutating func planAgentTTL(_ section: Section) -> Duration? {
    guard let setting = section["agent_ttl"], let text = text(section, "agent_ttl") else { return nil }
    guard let duration = GoDuration.parse(text), duration >= .seconds(1) else {
      log.error(
        at: setting.mark,
        "coreos.fleet.agent-ttl must be a time of at least a second, as in 30s or 1m30s, not \"\(text)\""
      )
      return nil
    }
    return duration
  }

  private mutating func planPrefix(_ section: Section) -> String? {
    guard let setting = section["etcd_key_prefix"], let text = text(section, "etcd_key_prefix") else { return nil }
    let names = text.split(separator: "/")
    guard !names.isEmpty else {
      log.error(at: setting.mark, "coreos.fleet.etcd-key-prefix must name a directory, as in /_coreos.com/fleet/")
      return nil
    }
    return "/" + names.joined(separator: "/") + "/"
  }
}
