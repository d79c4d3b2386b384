// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Logging
import Synchronization
import Testing

@testable import CloudInit

/// Ways into a cluster besides discovery: one that runs already, and one that DNS names.
@Suite struct JoiningTests {
  private static let cluster = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380"

  private func plan(_ cluster: String = Self.cluster, _ adjust: (inout EtcdPlan) -> Void = { _ in }) throws -> EtcdPlan
  {
    var plan = EtcdPlan(bootstrap: .initialCluster(try InitialCluster(parsing: cluster)), clusterState: .existing)
    plan.initialAdvertisePeerURLs = [try EndpointURL(parsing: "http://10.0.0.3:2380")]
    plan.hasExplicitPeerURLs = true
    adjust(&plan)
    return plan
  }

  private func bootstrap(
    _ plan: EtcdPlan,
    name: String = "c",
    in directory: TemporaryDirectory,
    _ lookups: ClusterLookups
  ) -> ClusterBootstrap {
    ClusterBootstrap(
      plan: plan,
      name: name,
      dataDirectory: DataDirectory(path: directory.path),
      discovery: { _ in InMemoryDiscovery(size: nil) },
      lookups: lookups,
      sleep: { _ in },
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    )
  }

  private func running(_ members: [(UInt64, String)]) -> PeerCluster {
    PeerCluster(
      clusterID: ClusterID(0xC),
      members: members.map { .init(id: MemberID($0.0), peerURLs: [$0.1]) }
    )
  }

  private static let three: [(UInt64, String)] = [
    (7, "http://10.0.0.3:2380"), (9, "http://10.0.0.1:2380"), (8, "http://10.0.0.2:2380"),
  ]

  private func message(_ body: () async throws -> MembershipRecord) async -> String {
    do {
      return "\(try await body())"
    } catch {
      return (error as? CloudInitError)?.message ?? "\(error)"
    }
  }

  // MARK: A cluster that runs

  @Test func `ids come from the members that run, and the record says that their log is to come`() async throws {
    let directory = try TemporaryDirectory()
    let asked = Mutex<[[String]]>([])
    let lookups = ClusterLookups(cluster: { urls in
      asked.withLock { $0.append(urls.map(\.text)) }
      return running(Self.three)
    })
    let record = try await bootstrap(try plan(), in: directory, lookups).run()
    guard case .member(let membership) = record else { return #expect(Bool(false)) }
    #expect(membership.isJoining)
    #expect(membership.clusterID == ClusterID(0xC) && membership.memberID == MemberID(7))
    #expect(membership.members.map(\.id.rawValue) == [7, 8, 9] && membership.members.map(\.name) == ["c", "b", "a"])
    #expect(asked.withLock { $0 } == [["http://10.0.0.1:2380", "http://10.0.0.2:2380"]])
    #expect(try await DataDirectory(path: directory.path).membership() == record)
    // The next start asks nobody.
    #expect(try await bootstrap(try plan(), in: directory, ClusterLookups()).run() == record)
  }

  @Test func `what does not fit is named in etcd's words`() async throws {
    let directory = try TemporaryDirectory()
    let unreachable = bootstrap(try plan(), in: directory, ClusterLookups())
    #expect(await message { try await unreachable.run() }.hasPrefix("cannot fetch cluster info from peer urls"))
    let fewer = bootstrap(
      try plan(),
      in: directory,
      ClusterLookups(cluster: { _ in running(Array(Self.three.prefix(2))) })
    )
    #expect(await message { try await fewer.run() }.contains("member count is unequal"))
    let others = Self.three.dropLast() + [(8, "http://10.0.0.9:2380")]
    let lookups = ClusterLookups(cluster: { _ in running(Array(others)) }, addresses: { [$0] })
    let moved = bootstrap(try plan(), in: directory, lookups)
    #expect(await message { try await moved.run() }.contains("unmatched member while checking PeerURLs: b"))
    let lone = bootstrap(try plan("c=http://10.0.0.3:2380"), in: directory, lookups)
    #expect(await message { try await lone.run() }.contains("needs the other members"))
    #expect(try await DataDirectory(path: directory.path).membership() == nil)
  }

  @Test func `a member that was added a moment ago is waited for`() async throws {
    let answers = Mutex(0)
    let lookups = ClusterLookups(cluster: { _ in
      let number = answers.withLock { count in
        count += 1
        return count
      }
      return number < 3 ? running(Array(Self.three.dropFirst())) : running(Self.three)
    })
    let record = try await bootstrap(try plan(), in: TemporaryDirectory(), lookups).run()
    guard case .member(let membership) = record else { return #expect(Bool(false)) }
    #expect(membership.memberID == MemberID(7))
  }

  @Test func `names and addresses of one listener are the same`() async throws {
    let plan = try plan(Self.cluster.replacing("10.0.0.3", with: "core-03").replacing("10.0.0.2", with: "core-02"))
    let hosts = ["core-03": "10.0.0.3", "core-02": "10.0.0.2"]
    let lookups = ClusterLookups(cluster: { _ in running(Self.three) }, addresses: { [hosts[$0] ?? $0] })
    guard case .member(let membership) = try await bootstrap(plan, in: TemporaryDirectory(), lookups).run() else {
      return #expect(Bool(false))
    }
    #expect(membership.memberID == MemberID(7))
    let elsewhere = ClusterLookups(cluster: { _ in running(Self.three) }, addresses: { [$0] })
    let refused = bootstrap(plan, in: try TemporaryDirectory(), elsewhere)
    #expect(await message { try await refused.run() }.contains("must be the same"))
  }

  // MARK: DNS

  private func dns(_ answers: [String: ServiceAnswer]) -> ClusterLookups {
    let hosts = ["m1.example.com": "10.0.0.1", "m2.example.com": "10.0.0.2", "m3.example.com": "10.0.0.3"]
    return ClusterLookups(
      services: { service, domain in
        domain == "example.com"
          ? answers[service] ?? .notFound(reason: "no \(service)") : .notFound(reason: "no domain")
      },
      addresses: { host in
        if host.hasPrefix("10.") { return [host] }
        return hosts[host].map { [$0] } ?? []
      }
    )
  }

  private func dnsPlan(_ proxy: EtcdPlan.Proxy = .off) throws -> EtcdPlan {
    try plan { plan in
      plan.bootstrap = .discoverySRV(domain: "example.com")
      plan.clusterState = .new
      plan.proxy = proxy
    }
  }

  private static let records = ServiceAnswer.found(
    [1, 2, 3].map { (host: "m\($0).example.com", port: 2_380) } + [(host: "gone.example.com", port: 2_380)]
  )

  @Test func `the member that resolves to its own peer URL gets its name, others numbers, and ids are equal`()
    async throws
  {
    var ids: Set<[UInt64]> = []
    for own in 1...3 {
      var plan = try dnsPlan()
      plan.initialAdvertisePeerURLs = [try EndpointURL(parsing: "http://10.0.0.\(own):2380")]
      let lookups = dns(["etcd-server": Self.records])
      let bootstrap = bootstrap(plan, name: "m\(own)", in: try TemporaryDirectory(), lookups)
      guard case .member(let membership) = try await bootstrap.run() else { return #expect(Bool(false)) }
      #expect(!membership.isJoining)
      #expect(membership.members.count == 3)
      let entry = membership.members.first { $0.id == membership.memberID }
      #expect(entry?.name == "m\(own)" && entry?.peerURLs.map(\.text) == ["http://m\(own).example.com:2380"])
      #expect(Set(membership.members.map(\.name)) == ["m\(own)", "0", "1"])
      ids.insert([membership.clusterID.rawValue] + membership.members.map(\.id.rawValue))
    }
    #expect(ids.count == 1)
  }

  @Test func `both services count, each with its scheme`() async throws {
    let lookups = dns(["etcd-server-ssl": .found([("m1.example.com", 2_380)]), "etcd-server": Self.records])
    guard case .worker(let worker) = try await bootstrap(try dnsPlan(.on), in: TemporaryDirectory(), lookups).run()
    else {
      return #expect(Bool(false))
    }
    #expect(worker.peerURLs.count == 4 && worker.peerURLs[0].text == "https://m1.example.com:2380")
  }

  @Test func `a domain without records, and one without this member, are refused by name`() async throws {
    let nothing = bootstrap(try dnsPlan(), in: try TemporaryDirectory(), dns([:]))
    #expect(await message { try await nothing.run() }.contains("DNS discovery failed"))
    let others = dns(["etcd-server": .found([("m1.example.com", 2_380), ("m2.example.com", 2_380)])])
    let stranger = bootstrap(try dnsPlan(), in: try TemporaryDirectory(), others)
    #expect(await message { try await stranger.run() }.contains("cannot find local etcd member \"c\" in SRV records"))
  }

  @Test func `a name server that does not answer is asked again`() async throws {
    let count = Mutex(0)
    var lookups = dns([:])
    lookups.services = { service, _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      if number < 6 { return .unavailable(reason: "timed out") }
      return service == "etcd-server" ? Self.records : .notFound(reason: "no such name")
    }
    guard case .member = try await bootstrap(try dnsPlan(), in: TemporaryDirectory(), lookups).run() else {
      return #expect(Bool(false))
    }
    #expect(count.withLock { $0 } == 6)
  }

  @Test func `a host that is an address resolves to itself`() async {
    #expect(await HostAddresses.of("127.0.0.1") == ["127.0.0.1"])
    #expect(await HostAddresses.of("no-such-host.invalid").isEmpty)
  }
}
