// SPDX-License-Identifier: Apache-2.0

extension PlanBuilder {
  /// The keys of one set of TLS files, as the schema spells them.
  private struct SecurityKeys {
    let path: String
    let certificate: String
    let key: String
    let authorities: String
    /// The deprecated key that both names authorities and asks for client certificates.
    var oldAuthorities: String?
    var clientAuthentication: String?

    static let client = SecurityKeys(
      path: "coreos.etcd2",
      certificate: "cert_file",
      key: "key_file",
      authorities: "trusted_ca_file",
      oldAuthorities: "ca_file",
      clientAuthentication: "client_cert_auth"
    )
    static let peer = SecurityKeys(
      path: "coreos.etcd2",
      certificate: "peer_cert_file",
      key: "peer_key_file",
      authorities: "peer_trusted_ca_file",
      oldAuthorities: "peer_ca_file",
      clientAuthentication: "peer_client_cert_auth"
    )
    static let store = SecurityKeys(
      path: "coreos.fleet",
      certificate: "etcd_certfile",
      key: "etcd_keyfile",
      authorities: "etcd_cafile"
    )

    func name(_ key: String) -> String { "\(path).\(String(key.map { $0 == "_" ? "-" : $0 }))" }
  }

  /// Plans TLS to clients and between members; the rest of the plan must be there.
  ///
  /// Source: specs/etcd-v2.md §14 and §16, where the versions differ those of 3.4.23.
  mutating func planSecurity(_ section: Section, _ plan: inout EtcdPlan) {
    plan.clientSecurity = security(section, .client)
    plan.peerSecurity = security(section, .peer)
    check(section, .client, plan.clientSecurity, plan.listenClientURLs, "listen_client_urls", isUsed: true)
    check(section, .peer, plan.peerSecurity, plan.listenPeerURLs, "listen_peer_urls", isUsed: plan.proxy == .off)
    if plan.proxy == .off {
      // A worker shows the certificate to the members, whatever it listens on; so may whoever finds a token used up.
      let mayBeWorker = if case .discovery = plan.bootstrap { true } else { false }
      if !mayBeWorker { warnUnused(section, .client, plan.listenClientURLs, "listen-client-urls") }
      let peerURLs = plan.listenPeerURLs + plan.initialAdvertisePeerURLs + plan.bootstrapURLs
      if !mayBeWorker { warnUnused(section, .peer, peerURLs, "listen-peer-urls") }
    }
    warnSchemes(section, "advertise_client_urls", plan.advertiseClientURLs, plan.listenClientURLs, "listen-client-urls")
    warnSchemes(
      section,
      "initial_advertise_peer_urls",
      plan.initialAdvertisePeerURLs,
      plan.listenPeerURLs,
      "listen-peer-urls"
    )
  }

  /// Plans TLS to a remote store; the rest of the plan must be there.
  mutating func planSecurity(_ section: Section, _ plan: inout FleetPlan) {
    plan.storeSecurity = security(section, .store)
    if let files = section[SecurityKeys.store.authorities] ?? section[SecurityKeys.store.certificate],
      !plan.etcdServers.isEmpty, plan.etcdServers.allSatisfy({ $0.scheme == .http })
    {
      log.warning(at: files.keyMark, "\(plan.etcdServers[0]) is asked without TLS; its URL would begin with https://")
    }
  }

  /// Checks that fleet's own listeners have a certificate when they need one: they serve with that of the client URLs.
  mutating func checkSecurity(_ listen: Setting?, _ fleet: FleetPlan?, _ etcd: EtcdPlan?) {
    guard let listen, let url = fleet?.listenURLs.first(where: { $0.scheme == .https }) else { return }
    guard etcd?.clientSecurity.certificateFile == nil else { return }
    log.error(at: listen.mark, "coreos.fleet.listen-urls: \(url) needs coreos.etcd2.cert-file and key-file")
  }

  private mutating func security(_ section: Section, _ keys: SecurityKeys) -> SecurityPlan {
    var plan = SecurityPlan(
      certificateFile: text(section, keys.certificate),
      keyFile: text(section, keys.key),
      trustedAuthoritiesFile: text(section, keys.authorities)
    )
    plan.requiresClientCertificate = keys.clientAuthentication.flatMap { section[$0]?.boolean } ?? false
    for key in [keys.certificate, keys.key, keys.authorities, keys.oldAuthorities ?? ""] {
      guard let setting = section[key], let path = text(section, key), !path.hasPrefix("/") else { continue }
      log.warning(at: setting.mark, "\(keys.name(key)): \"\(path)\" is looked for where the node is started; say /…")
    }
    if let key = keys.oldAuthorities, let setting = section[key], let path = text(section, key) {
      if let other = plan.trustedAuthoritiesFile, other != path {
        log.error(at: setting.mark, "\(keys.name(key)) is the old name of \(keys.name(keys.authorities)); keep one")
      }
      let authentication = keys.name(keys.clientAuthentication ?? "")
      log.warning(
        at: setting.keyMark,
        "\(keys.name(key)) is old; taken as \(keys.name(keys.authorities)) and \(authentication)"
      )
      plan.trustedAuthoritiesFile = path
      plan.requiresClientCertificate = true
    }
    checkPair(section, keys, plan)
    return plan
  }

  private mutating func checkPair(_ section: Section, _ keys: SecurityKeys, _ plan: SecurityPlan) {
    if let setting = section[keys.certificate], plan.certificateFile != nil, plan.keyFile == nil {
      log.error(at: setting.keyMark, "\(keys.name(keys.certificate)) needs \(keys.name(keys.key))")
    }
    if let setting = section[keys.key], plan.keyFile != nil, plan.certificateFile == nil {
      log.error(at: setting.keyMark, "\(keys.name(keys.key)) needs \(keys.name(keys.certificate))")
    }
  }

  // MARK: Findings

  private mutating func check(
    _ section: Section,
    _ keys: SecurityKeys,
    _ plan: SecurityPlan,
    _ listen: [EndpointURL],
    _ listenKey: String,
    isUsed: Bool
  ) {
    guard let url = listen.first(where: { $0.scheme == .https }) else { return }
    if let setting = section[listenKey], isUsed, plan.certificateFile == nil, plan.keyFile == nil {
      let files = "\(keys.name(keys.certificate)) and \(keys.name(keys.key))"
      log.error(at: setting.mark, "\(keys.name(listenKey)): \(url) needs \(files)")
    }
    guard let authentication = keys.clientAuthentication else { return }
    if let setting = section[authentication], plan.requiresClientCertificate, plan.trustedAuthoritiesFile == nil {
      log.warning(
        at: setting.keyMark,
        "\(keys.name(authentication)) without \(keys.name(keys.authorities)) lets in whoever has a certificate of any "
          + "authority that this computer trusts"
      )
    } else if let setting = section[keys.authorities], !plan.requiresClientCertificate {
      log.info(
        at: setting.keyMark,
        "with \(keys.name(keys.authorities)) a client certificate is asked for, as by etcd 3.4"
      )
    }
  }

  private mutating func warnUnused(
    _ section: Section,
    _ keys: SecurityKeys,
    _ urls: [EndpointURL],
    _ listenKey: String
  ) {
    guard urls.allSatisfy({ $0.scheme == .http }) else { return }
    let names = [
      keys.certificate, keys.key, keys.authorities, keys.oldAuthorities ?? "", keys.clientAuthentication ?? "",
    ]
    let given = names.compactMap { name in section[name].map { (name, $0) } }.filter { $0.1.boolean != false }
    guard let (name, setting) = given.first else { return }
    log.warning(
      at: setting.keyMark,
      "\(keys.name(name)) has no effect: no URL of \(keys.path).\(listenKey) begins with https://"
    )
  }

  private mutating func warnSchemes(
    _ section: Section,
    _ key: String,
    _ advertised: [EndpointURL],
    _ listen: [EndpointURL],
    _ listenKey: String
  ) {
    guard let setting = section[key] else { return }
    for url in advertised where !listen.contains(where: { $0.scheme == url.scheme }) {
      let served = url.scheme == .https ? "without TLS only" : "with TLS only"
      log.warning(at: setting.mark, "\(url) is told to others, but coreos.etcd2.\(listenKey) serves \(served)")
      return
    }
  }
}

extension EtcdPlan {
  /// The peer URLs that the document itself names.
  fileprivate var bootstrapURLs: [EndpointURL] {
    if case .initialCluster(let cluster) = bootstrap { cluster.entries.flatMap(\.peerURLs) } else { [] }
  }
}
