// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import EtcdStore
import Logging
import Synchronization
import Testing

@testable import CloudInit

@Suite struct ClusterBootstrapTests {
  static let url = "http://h:2379/discovery/0f"

  private func plan(discovery: Bool = true, port: Int = 1) -> EtcdPlan {
    let peerURLs = [EndpointURL(scheme: .http, host: "127.0.0.1", port: port)]
    return EtcdPlan(
      bootstrap: discovery ? .discovery(url: Self.url) : .alone,
      initialAdvertisePeerURLs: peerURLs,
      hasExplicitPeerURLs: true
    )
  }

  private func bootstrap(
    _ plan: EtcdPlan,
    name: String = "a",
    in directory: TemporaryDirectory,
    _ service: InMemoryDiscovery = InMemoryDiscovery(size: nil)
  ) -> ClusterBootstrap {
    ClusterBootstrap(
      plan: plan,
      name: name,
      dataDirectory: DataDirectory(path: directory.path),
      discovery: { _ in service },
      sleep: { _ in },
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    )
  }

  @Test func `three machines that boot at once form one cluster, two more become its workers`() async throws {
    let service = InMemoryDiscovery(size: "3")
    let directories = try (0..<5).map { _ in try TemporaryDirectory() }
    let records = try await withThrowingTaskGroup(of: MembershipRecord.self) { group in
      for (offset, directory) in directories.enumerated() {
        let bootstrap = bootstrap(plan(port: offset + 1), name: "m\(offset)", in: directory, service)
        group.addTask { try await bootstrap.run() }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    var members: [ClusterMembership] = []
    var workers: [WorkerMembership] = []
    for record in records {
      switch record {
      case .member(let membership): members.append(membership)
      case .worker(let membership): workers.append(membership)
      }
    }
    #expect(members.count == 3)
    #expect(Set(members.map(\.clusterID)).count == 1)
    #expect(Set(members.map(\.memberID)).count == 3)
    #expect(members.allSatisfy { $0.members == members[0].members && $0.members.count == 3 })
    #expect(workers.count == 2)
    #expect(workers.allSatisfy { Set($0.peerURLs) == Set(members[0].members.flatMap(\.peerURLs)) })
  }

  @Test func `a restart with the same data directory asks nobody`() async throws {
    let directory = try TemporaryDirectory()
    let service = InMemoryDiscovery(size: "1")
    let first = try await bootstrap(plan(), in: directory, service).run()
    let silent = InMemoryDiscovery(size: nil)
    #expect(try await bootstrap(plan(), in: directory, silent).run() == first)
    #expect(silent.requests.isEmpty)
  }

  @Test func `a crash between registration and the end of discovery is survived`() async throws {
    let directory = try TemporaryDirectory()
    let service = InMemoryDiscovery(size: "2")
    service.failNext { if case .awaitChange = $0 { .unreachable("cut") } else { nil } }
    var crashing = bootstrap(plan(), in: directory, service)
    crashing.sleep = { _ in throw CancellationError() }
    await #expect(throws: CancellationError.self) { try await crashing.run() }
    service.register("ff", "b=http://127.0.0.1:2")
    guard case .member(let membership) = try await bootstrap(plan(), in: directory, service).run() else {
      Issue.record("no member")
      return
    }
    #expect(membership.members.map(\.name).sorted() == ["a", "b"])
  }

  @Test func `a lost data directory is told, not joined with`() async throws {
    let service = InMemoryDiscovery(size: "1")
    _ = try await bootstrap(plan(), in: TemporaryDirectory(), service).run()
    await #expect {
      try await bootstrap(plan(), in: TemporaryDirectory(), service).run()
    } throws: { error in
      (error as? CloudInitError)?.message.contains("registered with the discovery token \(Self.url) before") == true
    }
  }

  @Test func `a service that is down at boot is waited for`() async throws {
    let service = InMemoryDiscovery(size: "1")
    for _ in 0..<3 { service.failNext { $0 == .readSize ? .unreachable("connection refused") : nil } }
    let waits = Mutex<[Duration]>([])
    var bootstrap = bootstrap(plan(), in: try TemporaryDirectory(), service)
    bootstrap.sleep = { wait in waits.withLock { $0.append(wait) } }
    guard case .member = try await bootstrap.run() else {
      Issue.record("no member")
      return
    }
    #expect(waits.withLock { $0 } == [.seconds(2), .seconds(4), .seconds(8)])
  }

  @Test func `a registration that was stored though its answer was lost is taken as done`() async throws {
    let service = InMemoryDiscovery(size: "1")
    service.failNext { request in
      guard case .register(let id, let value) = request else { return nil }
      service.register(id, value)
      return .unreachable("timed out")
    }
    guard case .member(let membership) = try await bootstrap(plan(), in: try TemporaryDirectory(), service).run() else {
      Issue.record("no member")
      return
    }
    #expect(membership.members.map(\.name) == ["a"])
  }

  @Test func `with fallback exit a full cluster is the end`() async throws {
    let service = InMemoryDiscovery(size: "1")
    service.register("ff", "b=http://127.0.0.1:2")
    var plan = plan()
    plan.discoveryFallback = .exit
    await #expect(throws: CloudInitError.self) {
      try await bootstrap(plan, in: TemporaryDirectory(), service).run()
    }
  }

  @Test func `a proxy from the start registers nothing`() async throws {
    let service = InMemoryDiscovery(size: "1")
    service.register("ff", "b=http://127.0.0.1:2")
    var plan = plan()
    plan.proxy = .on
    let record = try await bootstrap(plan, in: try TemporaryDirectory(), service).run()
    #expect(record == .worker(WorkerMembership(peerURLs: [EndpointURL(scheme: .http, host: "127.0.0.1", port: 2)])))
    #expect(!service.requests.contains { if case .register = $0 { true } else { false } })
  }

  @Test func `without other members a cluster of one is made`() async throws {
    guard case .member(let membership) = try await bootstrap(plan(discovery: false), in: try TemporaryDirectory()).run()
    else {
      Issue.record("no member")
      return
    }
    #expect(membership.members.map(\.id) == [membership.memberID])
    #expect(
      membership.memberID == MemberID(peerURLs: plan().initialAdvertisePeerURLs, clusterToken: "etcd-cluster")
    )
  }

  @Test func `an initial cluster gives every member the same ids, whatever its order`() async throws {
    let orders = ["a=http://127.0.0.1:1,b=http://127.0.0.1:2", "b=http://127.0.0.1:2,a=http://127.0.0.1:1"]
    var memberships: [ClusterMembership] = []
    for (name, text) in zip(["a", "b"], orders) {
      var plan = EtcdPlan()
      plan.bootstrap = .initialCluster(try InitialCluster(parsing: text))
      guard case .member(let membership) = try await bootstrap(plan, name: name, in: try TemporaryDirectory()).run()
      else { continue }
      memberships.append(membership)
    }
    #expect(memberships.count == 2)
    #expect(memberships[0].clusterID == memberships[1].clusterID)
    #expect(memberships[0].members == memberships[1].members)
    #expect(memberships[0].memberID != memberships[1].memberID)
  }

  @Test func `an initial cluster without this member, or with other URLs, is refused`() async throws {
    var plan = plan(discovery: false, port: 9)
    plan.bootstrap = .initialCluster(try InitialCluster(parsing: "a=http://127.0.0.1:1,b=http://127.0.0.1:2"))
    for name in ["a", "c", "x y", ""] {
      await #expect(throws: CloudInitError.self) {
        try await bootstrap(plan, name: name, in: TemporaryDirectory()).run()
      }
    }
    plan.clusterState = .existing
    plan.hasExplicitPeerURLs = false
    await #expect(throws: CloudInitError.self) {
      try await bootstrap(plan, name: "a", in: TemporaryDirectory()).run()
    }
  }
}
