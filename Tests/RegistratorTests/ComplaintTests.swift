// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import EtcdStore
import EtcdWire
import Synchronization
import TestKit
import Testing
import Units

@testable import Registrator

/// What users of registrator complained about, by the numbers of its issues.
///
/// Specs: registrator.md §7.
/// Those not here: #155, #325 and #184 in `ServiceRegistratorTests`; addresses, `SERVICE_PORTS` in `RecordLayoutTests` and
/// `ServiceRecordTests`.
@Suite(.timeLimit(.minutes(1))) struct ComplaintTests {
  /// Something that has come about.
  private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
  }

  private static let key = "/services/nginx/core-01:web:80"
  private static let id = ContainerID("id-web")

  private static func web(
    _ port: Int = 8000,
    labels: [String: String] = [:],
    health: ContainerHealth? = nil
  ) throws -> ContainerDetails {
    try ServiceRecordTests.container(
      "web",
      image: "nginx",
      ports: ["\(port)>80"],
      labels: labels,
      state: ContainerState(status: .running, health: health)
    )
  }

  @Test func `cleanup removes what a registrator before this one left, and nothing of other machines`() async throws {
    let store = MemoryStore()
    try await store.set("/services/old/core-01:gone:80", "10.0.0.1:1")
    try await store.set("/services/old/core-01:neighbour:80", "10.0.0.1:2")
    try await store.set("/services/old/core-02:other:80", "10.0.0.2:1")
    let neighbours = OwnershipLedger(["/services/old/core-01:neighbour:80": "10.0.0.1:2"])
    try await store.set(OwnershipLedger.key(machineID: "m2"), neighbours.text)
    let rest = ["/services/old/core-01:neighbour:80": "10.0.0.1:2", "/services/old/core-02:other:80": "10.0.0.2:1"]
    var configuration = ServiceRecordTests.configuration
    try await Bench.with(configuration: configuration, store: store) { bench in
      try await bench.advance(by: .seconds(60))
      #expect(store.value("/services/old/core-01:gone:80") != nil, "not without being asked")
    }
    configuration.cleansUp = true
    try await Bench.with(configuration: configuration, store: store) { try await $0.expect(rest) }
  }

  @Test func `644 a host name that changes leaves no duplicate`() async throws {
    let store = MemoryStore()
    let engine = ScriptedEngine()
    engine.set([try Self.web()])
    try await Bench.with(engine: engine, store: store) { try await $0.expect([Self.key: "10.0.0.1:8000"]) }
    var renamed = ServiceRecordTests.configuration
    renamed.hostName = "4f1e"
    try await Bench.with(configuration: renamed, engine: engine, store: store) { bench in
      try await bench.expect(["/services/nginx/4f1e:web:80": "10.0.0.1:8000"])
    }
  }

  @Test func `621 a comparison that comes between end and event does not revive a service`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try Self.web()])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      bench.engine.set([])
      for _ in 0..<3 {
        bench.engine.tell(.everything)
        bench.engine.tell(.ended(Self.id, exitCode: 0))
        bench.engine.tell(.container(Self.id))
      }
      try await bench.expect([:])
      let lists = bench.engine.listCount
      bench.engine.tell(.everything)
      try await eventually("a turn") { bench.engine.listCount > lists }
      try await bench.expect([:])
    }
  }

  @Test func `663 none of many that start and stop at once is lost`() async throws {
    try await Bench.with { bench in
      let many = try (0..<200).map {
        try ServiceRecordTests.container("c\($0)", image: "app", ports: ["\(10_000 + $0)>80"])
      }
      bench.engine.set(many)
      for container in many { bench.engine.tell(.container(container.id)) }
      try await eventually("all are there") { bench.store.files(below: "/services").count == 200 }
      bench.engine.set(many.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
      for container in many { bench.engine.tell(.ended(container.id, exitCode: 0)) }
      try await eventually("half are there") { bench.store.files(below: "/services").count == 100 }
    }
  }

  @Test func `685 a record goes when its container is told to end, not when it has ended`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try Self.web()])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      bench.engine.tell(.signalled(Self.id, signal: "15"))
      try await bench.expect([:])
    }
  }

  @Test func `685 a unit's records go before it is stopped, with time to let go`() async throws {
    let units = ScriptedUnits()
    units.set([RegistrableUnit(name: "web.service", isUp: true, isDown: false)])
    try await Bench.with(units: units) { bench in
      bench.engine.set([try Self.web(labels: [ContainerLabel.unit: "web.service", ContainerLabel.machine: "m1"])])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      let isOver = Flag()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          await bench.registrator.withdraw(unit: "web.service")
          isOver.set()
        }
        try await bench.expect([:])
        #expect(!isOver.isSet, "who has read the record is to have time to let go")
        try await eventually("the stop may go on") {
          bench.clock.advance(by: .seconds(1))
          return isOver.isSet
        }
      }
      await bench.registrator.restore(unit: "web.service")
      try await bench.expect([Self.key: "10.0.0.1:8000"])
    }
  }

  @Test func `685 a stop does not wait where there is nothing to withdraw, nor for a lost store`() async throws {
    let units = ScriptedUnits()
    units.set([RegistrableUnit(name: "web.service", isUp: true, isDown: false)])
    var configuration = ServiceRecordTests.configuration
    configuration.drain = .zero
    try await Bench.with(configuration: configuration, units: units) { bench in
      await bench.registrator.withdraw(unit: "web.service")
      await bench.registrator.restore(unit: "web.service")
      bench.engine.set([try Self.web(labels: [ContainerLabel.unit: "web.service", ContainerLabel.machine: "m1"])])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      bench.store.fail(true)
      let failures = bench.store.failureCount
      let isOver = Flag()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          await bench.registrator.withdraw(unit: "web.service")
          isOver.set()
        }
        try await eventually("the store was asked") { bench.store.failureCount > failures }
        #expect(!isOver.isSet)
        try await eventually("the stop may go on") {
          bench.clock.advance(by: .seconds(1))
          return isOver.isSet
        }
      }
    }
  }

  @Test func `578 health checks are heeded`() async throws {
    try await Bench.with { bench in
      let course: [(ContainerHealth, Bool)] = [
        (.starting, false), (.healthy, true), (.unhealthy, false), (.healthy, true),
      ]
      for (health, isThere) in course {
        bench.engine.set([try Self.web(health: health)])
        bench.engine.tell(.container(Self.id))
        try await bench.expect(isThere ? [Self.key: "10.0.0.1:8000"] : [:])
      }
    }
  }

  @Test func `449 a comparison of everything with everything writes nothing that is right`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try Self.web()])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      let (events, inspections) = (bench.store.events, bench.engine.inspectCount)
      for _ in 0..<9 {
        try await bench.advance(by: .seconds(20))
        try await eventually("refreshed") { bench.store.ttl(Self.key) == 60 }
      }
      try await eventually("everything was read") { bench.engine.inspectCount >= inspections + 3 }
      #expect(bench.store.events == events)
      try await bench.store.set(Self.key, "10.6.6.6:1")
      for _ in 0..<3 { try await bench.advance(by: .seconds(20)) }
      try await bench.expect([Self.key: "10.0.0.1:8000"])
    }
  }

  @Test func `an engine that restarts takes no record of what runs with it`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try Self.web()])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      let events = bench.store.events
      bench.engine.setProcesses([Self.id: true])
      bench.engine.fail(true)
      bench.engine.tell(.everything)
      for _ in 0..<6 {
        try await bench.advance(by: .seconds(20))
        try await eventually("refreshed") { bench.store.ttl(Self.key) == 60 }
      }
      #expect(bench.store.events == events, "no event in two minutes")
      bench.engine.setProcesses([Self.id: false])
      bench.engine.tell(.everything)
      try await bench.expect([:])
    }
  }

  @Test func `with on-success a failed container's record goes with its time to live`() async throws {
    var configuration = ServiceRecordTests.configuration
    configuration.deregistration = .onSuccess
    try await Bench.with(configuration: configuration) { bench in
      bench.engine.set([try Self.web()])
      bench.engine.tell(.everything)
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      let lists = bench.engine.listCount
      bench.engine.set([])
      bench.engine.tell(.ended(Self.id, exitCode: 1))
      try await eventually("a turn") { bench.engine.listCount > lists }
      try await bench.advance(by: .seconds(20))
      try await bench.expect([Self.key: "10.0.0.1:8000"])
      for _ in 0..<3 { try await bench.advance(by: .seconds(20)) }
      try await bench.expect([:])
      // The same record again: nobody may think that it still stands.
      bench.engine.set([try Self.web()])
      bench.engine.tell(.container(Self.id))
      try await bench.expect([Self.key: "10.0.0.1:8000"])
    }
  }

  @Test func `a plain process is announced while its unit is up and its check passes`() async throws {
    let announcement = try ServiceAnnouncement(parsing: "api:81 check=http:/health interval=5s retries=2")
    let record = ["/services/api/core-01:api:81": "10.0.0.1:81"]
    func unit(_ isUp: Bool) -> [RegistrableUnit] {
      [RegistrableUnit(name: "api.service", isUp: isUp, isDown: !isUp, announcements: [announcement])]
    }
    try await Bench.with { bench in
      bench.probe.pass(false)
      bench.units.set(unit(true))
      try await eventually("checked") { bench.probe.count > 0 }
      try await bench.expect([:])
      bench.probe.pass(true)
      try await eventually("well") {
        bench.clock.advance(by: .seconds(5))
        return bench.store.files(below: "/services") == record
      }
      bench.probe.pass(false)
      let count = bench.probe.count
      try await eventually("two failures") {
        bench.clock.advance(by: .seconds(5))
        return bench.probe.count >= count + 2
      }
      try await bench.expect([:])
      bench.probe.pass(true)
      try await eventually("well again") {
        bench.clock.advance(by: .seconds(5))
        return bench.store.files(below: "/services") == record
      }
      bench.units.set(nil)
      bench.units.set(unit(false))
      try await bench.expect([:])
    }
  }

  @Test func `vulcand's backend is made with the first server and goes with the last, unless it is someone's own`()
    async throws
  {
    var configuration = ServiceRecordTests.configuration
    (configuration.format, configuration.prefix) = (.vulcand, "/vulcand")
    let store = MemoryStore()
    try await store.set("/vulcand/backends/own/backend", #"{"Type":"http","Settings":{}}"#)
    try await Bench.with(configuration: configuration, store: store) { bench in
      let own = try ServiceRecordTests.container("own", image: "own", ports: ["1>80"])
      bench.engine.set([try Self.web(), own])
      bench.engine.tell(.everything)
      let backends = "/vulcand/backends"
      try await eventually("servers") { store.files(below: backends).count == 4 }
      #expect(store.value("/vulcand/backends/nginx/backend") == #"{"Type":"http"}"#)
      try await store.set("/vulcand/backends/nginx/servers/elsewhere", "x")
      bench.engine.set([])
      bench.engine.tell(.everything)
      try await eventually("only others' is left") {
        store.files(below: backends).keys.sorted() == [
          "/vulcand/backends/nginx/backend", "/vulcand/backends/nginx/servers/elsewhere",
          "/vulcand/backends/own/backend",
        ]
      }
      _ = try await store.delete("/vulcand/backends/nginx/servers/elsewhere")
      bench.engine.set([try Self.web()])
      bench.engine.tell(.everything)
      try await eventually("again") { store.value("/vulcand/backends/nginx/servers/core-01:web:80") != nil }
      bench.engine.set([])
      bench.engine.tell(.everything)
      try await eventually("all gone") { store.read("/vulcand/backends/nginx") == nil }
    }
  }
}
