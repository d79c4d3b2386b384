// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Logging

// The members by DNS (`discovery-srv`).
extension ClusterBootstrap {
  /// How often a name server that does not answer for one of the two services is asked, if it did for the other.
  private static let attemptsWithHalf = 3
  private static let longestWait = Duration.seconds(30)
  private static let services: [(name: String, scheme: EndpointURL.Scheme)] = [
    ("etcd-server-ssl", .https), ("etcd-server", .http),
  ]

  /// The members that the SRV records of a domain name.
  ///
  /// Names differ from node to node: a target that resolves to one of this member's own peer URLs gets its name, all
  /// others numbers. Ids come from URLs as DNS spells them.
  ///
  /// Source: etcd v2.3.8 `discovery/srv.go`; specs/discovery.md §5. Differs: a name server that does not answer is asked
  /// again.
  func cluster(ofDomain domain: String) async throws -> InitialCluster {
    let targets = try await targets(of: domain)
    var own: Set<String> = []
    for url in plan.initialAdvertisePeerURLs {
      own.formUnion(await lookups.addresses(url.host).map { "\($0) \(url.port)" })
    }
    var parts: [String] = []
    var number = 0
    for (url, record) in targets {
      let addresses = await lookups.addresses(record.host)
      guard !addresses.isEmpty else {
        logger.warning("a member that DNS names cannot be resolved", metadata: ["dns.host": "\(record.host)"])
        continue
      }
      if plan.proxy == .off, addresses.contains(where: { own.contains("\($0) \(record.port)") }) {
        parts.append("\(name)=\(url.text)")
        continue
      }
      if String(number) == name { number += 1 }
      parts.append("\(number)=\(url.text)")
      number += 1
    }
    let cluster: InitialCluster
    do {
      cluster = try InitialCluster(parsing: parts.joined(separator: ","))
    } catch {
      throw CloudInitError(.discovery, "the SRV records of \(domain) name no usable member: \(error)")
    }
    guard plan.proxy != .off || cluster[name] != nil else {
      let urls = plan.initialAdvertisePeerURLs.map(\.text).joined(separator: ",")
      throw CloudInitError(
        .discovery,
        "cannot find local etcd member \"\(name)\" in SRV records of \(domain): none of \(cluster.text) is \(urls)"
      )
    }
    return cluster
  }

  private func targets(of domain: String) async throws -> [(url: EndpointURL, record: (host: String, port: Int))] {
    var wait = Duration.seconds(1)
    var attempt = 0
    while true {
      attempt += 1
      var found: [(url: EndpointURL, record: (host: String, port: Int))] = []
      var isComplete = true
      var reasons: [String] = []
      for service in Self.services {
        switch await lookups.services(service.name, domain) {
        case .found(let records):
          found += records.map { (EndpointURL(scheme: service.scheme, host: $0.host, port: $0.port), $0) }
        case .notFound(let reason): reasons.append(reason)
        case .unavailable(let reason):
          isComplete = false
          reasons.append(reason)
        }
      }
      if !found.isEmpty, isComplete || attempt >= Self.attemptsWithHalf { return found }
      if isComplete {
        throw CloudInitError(.discovery, "DNS discovery failed: \(reasons.joined(separator: "; "))")
      }
      logger.warning(
        "DNS does not answer; trying again",
        metadata: [
          "dns.domain": "\(domain)", "dns.reason": "\(reasons.joined(separator: "; "))", "dns.wait": "\(wait)",
        ]
      )
      try Task.checkCancellation()
      try await sleep(wait)
      wait = min(wait * 2, Self.longestWait)
    }
  }
}
