// SPDX-License-Identifier: Apache-2.0

extension PlanBuilder {
  /// Plans the store's member, if the document starts one.
  ///
  /// Source: specs/etcd-v2.md §16; specs/cloud-config.md §10.
  mutating func planEtcd(_ coreos: Section, units: BuiltInUnits) -> EtcdPlan? {
    guard units.etcd != .off else { return nil }
    guard coreos["etcd2"] != nil || coreos["etcd"] != nil || units.etcd == .on || !units.etcdEnvironment.isEmpty else {
      return nil
    }
    var section = coreos["etcd2"]?.section ?? Section(mark: coreos.mark, settings: [:])
    if let old = coreos["etcd"]?.section { addSettings(ofVersion04: old, to: &section) }
    apply(units.etcdEnvironment, to: &section, schema: CloudConfigSchema.etcd2)
    apply(environment: environment, to: &section)
    addAddressesOfVersion04(to: &section)

    var plan = EtcdPlan(name: text(section, "name"), dataDirectory: text(section, "data_dir"))
    if let setting = section["name"], let name = plan.name, name.contains(where: { " \t\n=,".contains($0) }) {
      log.error(at: setting.mark, "coreos.etcd2.name: \"\(name)\" must not hold blanks, \"=\" or \",\"")
    }
    planURLs(section, &plan)
    planTimes(section, &plan)
    plan.clusterToken = text(section, "initial_cluster_token") ?? plan.clusterToken
    plan.clusterState = choice(section, "initial_cluster_state") ?? plan.clusterState
    plan.proxy = choice(section, "proxy") ?? plan.proxy
    plan.discoveryFallback = choice(section, "discovery_fallback") ?? plan.discoveryFallback
    plan.corsOrigins = origins(text(section, "cors") ?? "")
    plan.enablesProfiling = section["enable_pprof"]?.boolean ?? false
    planOptions(section, &plan)
    planBootstrap(section, &plan)
    planSecurity(section, &plan)
    return plan
  }

  private func choice<Choice: RawRepresentable<String>>(_ section: Section, _ name: String) -> Choice? {
    section[name]?.string.flatMap(Choice.init(rawValue:))
  }

  /// A list of origins, separated by commas.
  private func origins(_ list: String) -> [String] {
    list.split(separator: ",").compactMap { item in
      let origin = item.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
      return origin.isEmpty ? nil : String(origin)
    }
  }

  // MARK: URLs

  private mutating func planURLs(_ section: Section, _ plan: inout EtcdPlan) {
    let path = "coreos.etcd2"
    let listenClient = urls(section, "listen_client_urls", path: "\(path).listen-client-urls")
    let listenPeer = urls(section, "listen_peer_urls", path: "\(path).listen-peer-urls")
    let advertisePeer = urls(section, "initial_advertise_peer_urls", path: "\(path).initial-advertise-peer-urls")
    let advertiseClient = urls(section, "advertise_client_urls", path: "\(path).advertise-client-urls")
    plan.hasExplicitPeerURLs = advertisePeer != nil
    plan.listenClientURLs = listenClient ?? plan.listenClientURLs
    plan.listenPeerURLs = listenPeer ?? plan.listenPeerURLs
    plan.advertiseClientURLs =
      advertiseClient ?? advertised(section["listen_client_urls"], plan.listenClientURLs, "advertise-client-urls")
    plan.initialAdvertisePeerURLs =
      advertisePeer ?? advertised(section["listen_peer_urls"], plan.listenPeerURLs, "initial-advertise-peer-urls")
    if let setting = section["advertise_client_urls"], let url = advertiseClient?.first(where: \.isWildcard) {
      log.warning(at: setting.mark, "\(url) is no address that others can reach; name this machine's own")
    }
    if let setting = section["initial_advertise_peer_urls"], let url = advertisePeer?.first(where: \.isWildcard) {
      log.error(at: setting.mark, "\(url) is no address that other members can reach; name this machine's own")
    }
    warnUnreachable(advertisePeer, plan.listenPeerURLs, section["initial_advertise_peer_urls"], "listen-peer-urls")
    warnUnreachable(advertiseClient, plan.listenClientURLs, section["advertise_client_urls"], "listen-client-urls")
  }

  /// What to tell others when the document does not say: the listeners, with an address in the place of "every address".
  private mutating func advertised(_ setting: Setting?, _ listen: [EndpointURL], _ key: String) -> [EndpointURL] {
    guard let setting, listen.contains(where: \.isWildcard) else { return listen }
    guard let address = addresses.privateIPv4 ?? addresses.publicIPv4 else {
      log.error(at: setting.mark, "coreos.etcd2.\(key) must be set when every address is listened on")
      return listen
    }
    let urls = listen.map { $0.isWildcard ? EndpointURL(scheme: $0.scheme, host: address, port: $0.port) : $0 }
    let list = urls.map(\.text).joined(separator: ",")
    log.info(at: setting.keyMark, "coreos.etcd2.\(key) is not set; others are told \(list)")
    return urls
  }

  private mutating func warnUnreachable(
    _ advertised: [EndpointURL]?,
    _ listen: [EndpointURL],
    _ setting: Setting?,
    _ listenKey: String
  ) {
    guard let setting, let url = advertised?.first(where: { !$0.isLoopback }) else { return }
    guard listen.allSatisfy(\.isLoopback) else { return }
    log.warning(at: setting.mark, "\(url) is told to others, but coreos.etcd2.\(listenKey) listens on loopback only")
  }

  // MARK: Times

  private mutating func planTimes(_ section: Section, _ plan: inout EtcdPlan) {
    let path = "coreos.etcd2"
    plan.heartbeatMilliseconds =
      positive(section, "heartbeat_interval", path: "\(path).heartbeat-interval") ?? plan.heartbeatMilliseconds
    plan.electionMilliseconds =
      positive(section, "election_timeout", path: "\(path).election-timeout") ?? plan.electionMilliseconds
    plan.snapshotCount = positive(section, "snapshot_count", path: "\(path).snapshot-count") ?? plan.snapshotCount
    guard let setting = section["election_timeout"] ?? section["heartbeat_interval"] else { return }
    if plan.electionMilliseconds > 50_000 {
      log.error(at: setting.mark, "\(path).election-timeout must be at most 50000 ms")
    } else if plan.electionMilliseconds / 5 < plan.heartbeatMilliseconds {
      log.error(
        at: setting.mark,
        "\(path).election-timeout (\(plan.electionMilliseconds) ms) must be at least five times "
          + "heartbeat-interval (\(plan.heartbeatMilliseconds) ms)"
      )
    }
  }

  // MARK: Bootstrap

  private mutating func planBootstrap(_ section: Section, _ plan: inout EtcdPlan) {
    let ways = ["initial_cluster", "discovery", "discovery_srv"].filter { text(section, $0) != nil }
    if ways.count > 1, let setting = section[ways[1]] {
      let names = ways.reversed().map { String($0.map { $0 == "_" ? "-" : $0 }) }.joined(separator: " and ")
      log.error(at: setting.mark, "coreos.etcd2.\(names) exclude each other; keep one")
    }
    if let discovery = text(section, "discovery"), let setting = section["discovery"] {
      if plan.clusterState == .existing {
        log.error(
          at: setting.mark,
          "coreos.etcd2.discovery makes a new cluster; initial-cluster-state: existing joins one"
        )
      }
      if let problem = discoveryProblem(discovery) { log.error(at: setting.mark, "coreos.etcd2.discovery: \(problem)") }
      plan.bootstrap = .discovery(url: discovery)
    } else if let domain = text(section, "discovery_srv"), let setting = section["discovery_srv"] {
      if domain.contains(where: { " /:@".contains($0) }) {
        log.error(at: setting.mark, "coreos.etcd2.discovery-srv: \"\(domain)\" is no domain, as in example.com")
      }
      plan.bootstrap = .discoverySRV(domain: domain)
    } else if let initialCluster = text(section, "initial_cluster"), let setting = section["initial_cluster"] {
      do {
        let cluster = try InitialCluster(parsing: initialCluster)
        plan.bootstrap = .initialCluster(cluster)
        checkOwnEntry(of: cluster, plan, at: setting.mark)
      } catch {
        log.error(at: setting.mark, "coreos.etcd2.initial-cluster: \(error)")
      }
    } else {
      planAlone(section, plan)
    }
  }

  private mutating func planAlone(_ section: Section, _ plan: EtcdPlan) {
    let needs = "needs the members: set initial-cluster, discovery or discovery-srv"
    if plan.proxy != .off, let setting = section["proxy"] {
      log.error(at: setting.mark, "coreos.etcd2.proxy \(needs)")
    } else if plan.clusterState == .existing, let setting = section["initial_cluster_state"] {
      log.error(at: setting.mark, "coreos.etcd2.initial-cluster-state: existing needs initial-cluster with all members")
    }
  }

  private mutating func checkOwnEntry(of cluster: InitialCluster, _ plan: EtcdPlan, at mark: SourceMark) {
    guard let name = plan.name, plan.proxy == .off else { return }
    guard let entry = cluster[name] else {
      log.error(at: mark, "coreos.etcd2.initial-cluster has no entry for this member's name, \"\(name)\"")
      return
    }
    // Away from its machine the document's own addresses are not known; the boot compares them again.
    // Names may stand for the same addresses, which only the boot can find out.
    let urls = plan.initialAdvertisePeerURLs + entry.peerURLs
    if plan.hasExplicitPeerURLs, addresses != .placeholders, urls.allSatisfy(\.hasLiteralAddress),
      Set(plan.initialAdvertisePeerURLs) != Set(entry.peerURLs)
    {
      log.error(
        at: mark,
        "coreos.etcd2.initial-cluster gives \"\(name)\" other URLs than initial-advertise-peer-urls; they must be the same"
      )
    }
  }

  private func discoveryProblem(_ url: String) -> String? {
    if url.contains("<") || url.contains(">") {
      return "\"\(url)\" still holds a placeholder; get a token with: coracle cluster discovery new --size 3"
    }
    guard let schemeEnd = url.firstRange(ofText: "://"), ["http", "https"].contains(url[..<schemeEnd.lowerBound]) else {
      return "\"\(url)\" must begin with http:// or https://"
    }
    let parts = url[schemeEnd.upperBound...].split(separator: "/", omittingEmptySubsequences: false)
    guard let host = parts.first, !host.isEmpty, !host.hasPrefix(":") else { return "\"\(url)\" has no host" }
    guard !url.contains(where: { $0 == " " || $0 == "?" || $0 == "#" }) else {
      return "\"\(url)\" must be a plain URL, without query"
    }
    guard parts.dropFirst().contains(where: { !$0.isEmpty }) else {
      return "\"\(url)\" has no token; get one with: coracle cluster discovery new --size 3"
    }
    return nil
  }

  // MARK: etcd 0.4

  /// Takes over the keys of etcd 0.4 that etcd2 has by another name.
  private mutating func addSettings(ofVersion04 old: Section, to section: inout Section) {
    let scheme = old["cert_file"] == nil ? "http://" : "https://"
    let peerScheme = old["peer_cert_file"] == nil ? "http://" : "https://"
    let renamed: [(old: String, new: String, prefix: String)] = [
      ("addr", "advertise_client_urls", scheme), ("bind_addr", "listen_client_urls", scheme),
      ("peer_addr", "initial_advertise_peer_urls", peerScheme), ("peer_bind_addr", "listen_peer_urls", peerScheme),
      ("ca_file", "ca_file", ""), ("cert_file", "cert_file", ""), ("key_file", "key_file", ""),
      ("peer_ca_file", "peer_ca_file", ""), ("peer_cert_file", "peer_cert_file", ""),
      ("peer_key_file", "peer_key_file", ""),
      ("discovery", "discovery", ""), ("name", "name", ""), ("data_dir", "data_dir", ""),
      ("peer_heartbeat_interval", "heartbeat_interval", ""), ("peer_election_timeout", "election_timeout", ""),
    ]
    for rename in renamed {
      guard var setting = old[rename.old] else { continue }
      guard section[rename.new] == nil else {
        let name = String(rename.new.map { $0 == "_" ? "-" : $0 })
        log.warning(at: setting.keyMark, "this key of coreos.etcd has no effect: coreos.etcd2.\(name) is set too")
        checkDiscovery(ofVersion04: rename.old == "discovery" ? setting : nil)
        continue
      }
      if let text = setting.string { setting.value = .string(rename.prefix + text) }
      section.settings[rename.new] = setting
      let name = String(rename.new.map { $0 == "_" ? "-" : $0 })
      log.warning(at: setting.keyMark, "coreos.etcd is the section of etcd 0.4; taken as coreos.etcd2.\(name)")
    }
  }

  private mutating func checkDiscovery(ofVersion04 setting: Setting?) {
    guard let setting, let url = setting.string, !url.isEmpty, let problem = discoveryProblem(url) else { return }
    log.warning(at: setting.mark, "coreos.etcd.discovery: \(problem)")
  }

  /// Lets variables of drop-ins stand above the settings of the section.
  mutating func apply(_ variables: [BuiltInUnits.Variable], to section: inout Section, schema: SectionSchema) {
    let ordered = variables.filter { $0.standsAboveSection || section[$0.key] == nil }
    let pairs = ordered.map { YAMLPair(key: $0.key, keyMark: $0.mark, value: $0.node) }
    for pair in pairs {
      let node = YAMLNode(mark: pair.keyMark, content: .mapping([pair]))
      guard let overlay = reader.read(node, as: schema) else { continue }
      section.settings.merge(overlay.settings) { $1 }
    }
  }
}

extension EndpointURL {
  /// Whether the host means "every address of this machine".
  public var isWildcard: Bool { host == "0.0.0.0" || host == "::" }
  /// Whether the host is an address, not a name that DNS knows.
  var hasLiteralAddress: Bool { host.contains(":") || host.allSatisfy { $0 == "." || $0.isNumber } }
  /// Whether only this machine can reach it.
  public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
