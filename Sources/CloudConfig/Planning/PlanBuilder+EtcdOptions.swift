// SPDX-License-Identifier: Apache-2.0

// Settings of the store that stand each for itself.
extension PlanBuilder {
  mutating func planOptions(_ section: Section, _ plan: inout EtcdPlan) {
    plan.walDirectory = text(section, "wal_dir")
    if let setting = section["wal_dir"], let directory = plan.walDirectory {
      log.info(
        at: setting.mark,
        "coreos.etcd2.wal-dir: log and snapshots are one file here, and the whole of it is kept in \(directory)"
      )
    }
    plan.isReconfigurationChecked = section["strict_reconfig_check"]?.boolean ?? plan.isReconfigurationChecked
    plan.forcesNewCluster = section["force_new_cluster"]?.boolean ?? plan.forcesNewCluster
    plan.isDebugging = section["debug"]?.boolean ?? plan.isDebugging
    if let setting = section["force_new_cluster"], plan.forcesNewCluster {
      log.warning(
        at: setting.mark,
        "coreos.etcd2.force-new-cluster: the first start drops all other members for good; later ones do nothing"
      )
    }
    planProxy(section, &plan.proxyTimes)
    planDiscoveryProxy(section, &plan)
  }

  private mutating func planProxy(_ section: Section, _ times: inout ProxyPlan) {
    func path(_ name: String) -> String { "coreos.etcd2." + String(name.map { $0 == "_" ? "-" : $0 }) }
    func time(_ name: String, _ value: inout UInt64, zero: UInt64?) {
      guard let setting = section[name], let given = setting.integer else { return }
      guard given > 0 || given == 0 && zero != nil, given < 1 << 40 else {
        log.error(at: setting.mark, "\(path(name)) is a time in milliseconds, not \(given)")
        return
      }
      value = UInt64(given)
    }
    time("proxy_failure_wait", &times.failureWaitMilliseconds, zero: 0)
    time("proxy_refresh_interval", &times.refreshMilliseconds, zero: nil)
    time("proxy_dial_timeout", &times.dialMilliseconds, zero: nil)
    time("proxy_write_timeout", &times.writeMilliseconds, zero: 0)
    time("proxy_read_timeout", &times.readMilliseconds, zero: 0)
    if let setting = section["proxy_read_timeout"], times.readMilliseconds > 0 {
      log.warning(at: setting.mark, "\(path("proxy_read_timeout")) ends watches that have been silent for this long")
    }
  }

  private mutating func planDiscoveryProxy(_ section: Section, _ plan: inout EtcdPlan) {
    guard let setting = section["discovery_proxy"], let given = text(section, "discovery_proxy") else { return }
    let full = given.hasPrefix("http://") || given.hasPrefix("https://") ? given : "http://" + given
    do {
      let url = try EndpointURL(parsing: full)
      if url.scheme == .https {
        log.error(at: setting.mark, "coreos.etcd2.discovery-proxy: a proxy is asked over http, not https")
      }
      plan.discoveryProxy = url
    } catch {
      log.error(at: setting.mark, "coreos.etcd2.discovery-proxy: \(error)")
    }
  }

  // MARK: Flags of etcd 0.4 that etcd2 still takes

  /// Takes over `addr` and the like, which name a listener without scheme.
  ///
  /// Source: etcd v2.3.8 `pkg/flags/urls.go` `URLsFromFlags`.
  mutating func addAddressesOfVersion04(to section: inout Section) {
    let renamed = [
      ("addr", "advertise_client_urls", "cert_file"), ("bind_addr", "listen_client_urls", "cert_file"),
      ("peer_addr", "initial_advertise_peer_urls", "peer_cert_file"),
      ("peer_bind_addr", "listen_peer_urls", "peer_cert_file"),
    ]
    for (old, new, certificate) in renamed {
      guard var setting = section[old], let address = setting.string, !address.isEmpty else { continue }
      let (oldName, newName) = (old.map { $0 == "_" ? "-" : $0 }, new.map { $0 == "_" ? "-" : $0 })
      guard section[new] == nil else {
        log.error(at: setting.keyMark, "set only one of \(String(newName)) and \(String(oldName))")
        continue
      }
      let scheme = section[certificate]?.string.map { $0.isEmpty } ?? true ? "http" : "https"
      setting.value = .string("\(scheme)://\(address)")
      section.settings[new] = setting
      log.warning(at: setting.keyMark, "\(String(oldName)) is a setting of etcd 0.4; taken as \(String(newName))")
    }
  }

  // MARK: The process's environment

  /// Lets `ETCD_…` variables of the process stand above the settings of the document.
  mutating func apply(environment: [String: String], to section: inout Section) {
    for name in environment.keys.sorted() where name.hasPrefix("ETCD_") {
      guard let value = environment[name], !value.isEmpty else { continue }
      let key = name.dropFirst("ETCD_".count).lowercased()
      guard let schema = CloudConfigSchema.etcd2[key] else {
        log.warning(at: .environment, "unrecognized environment variable \(name); it is ignored")
        continue
      }
      var text = value
      if case .boolean = schema.type { text = Self.booleans[value] ?? value }
      let scalar = YAMLScalar(text: text, style: .plain, endLine: 0)
      let content = YAMLNode(mark: .environment, content: .scalar(scalar))
      let pair = YAMLPair(key: key, keyMark: .environment, value: content)
      let node = YAMLNode(mark: .environment, content: .mapping([pair]))
      guard let overlay = reader.read(node, as: CloudConfigSchema.etcd2) else { continue }
      section.settings.merge(overlay.settings) { $1 }
    }
  }

  /// What Go's flags take for truth values besides `true` and `false`.
  private static let booleans = ["1": "true", "t": "true", "T": "true", "0": "false", "f": "false", "F": "false"]
}
