// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import EtcdStore
import EtcdWire
import Logging
import Synchronization
import TestKit
import Testing

@testable import Registrator

/// The loop between a scripted engine and a real store, by a clock that the test moves.
@Suite(.timeLimit(.minutes(10))) struct ServiceRegistratorTests {
  static let ledgerKey = "/_coracle/registrator/m1/records"

  @Test func `a container that starts is announced, one that stops is taken back with its directory`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      bench.engine.tell(.container(ContainerID("id-web")))
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
      #expect(bench.store.ttl("/services/nginx/core-01:web:80") == 60)

      bench.engine.set([])
      bench.engine.tell(.container(ContainerID("id-web")))
      try await bench.expect([:])
      try await eventually("the directory is gone") { bench.store.read("/services/nginx") == nil }
      try await eventually("the ledger is empty") { bench.store.read(Self.ledgerKey)?.value == "" }
    }
  }

  @Test func `records are kept alive without waking watchers`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      bench.engine.tell(.everything)
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
      let events = bench.store.events
      for _ in 0..<6 {
        let lists = bench.engine.listCount
        try await bench.advance(by: .seconds(20))
        try await eventually("a turn") { bench.engine.listCount > lists }
        try await eventually("refreshed") { bench.store.ttl("/services/nginx/core-01:web:80") == 60 }
      }
      #expect(bench.store.events == events, "a refresh is no event")
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
    }
  }

  @Test func `refreshes are kept back together, and nothing waits for them`() async throws {
    try await Bench.with { bench in
      let web = try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80", "8001>81"])
      bench.engine.set([web])
      bench.engine.tell(.everything)
      let first = [
        "/services/nginx-80/core-01:web:80": "10.0.0.1:8000", "/services/nginx-81/core-01:web:81": "10.0.0.1:8001",
      ]
      try await bench.expect(first)
      bench.store.keepBackPatient(true)
      try await bench.advance(by: .seconds(20))
      try await eventually("two records and the ledger") { bench.store.keepBackPatient(true) == 3 }
      bench.engine.set([web, try ServiceRecordTests.container("db", image: "mysql", ports: ["3306>3306"])])
      bench.engine.tell(.container(ContainerID("id-db")))
      try await bench.expect(first.merging(["/services/mysql/core-01:db:3306": "10.0.0.1:3306"]) { $1 })
      // Gone by the time it is refreshed: it comes back without waiting for the clock.
      _ = try await bench.store.delete("/services/nginx-80", recursive: true)
      bench.store.keepBackPatient(false)
      try await bench.expect(first.merging(["/services/mysql/core-01:db:3306": "10.0.0.1:3306"]) { $1 })
    }
  }

  @Test func `a refresh that found nothing and says so late does not have a record written twice`() async throws {
    try await Bench.with { bench in
      let key = "/services/nginx/core-01:web:80"
      let web = try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])
      func turn(_ containers: [ContainerDetails]) async throws {
        let lists = bench.engine.listCount
        bench.engine.set(containers)
        bench.engine.tell(.everything)
        try await eventually("a turn") { bench.engine.listCount > lists }
      }
      try await turn([web])
      try await bench.expect([key: "10.0.0.1:8000"])
      bench.store.keepBackPatient(true)
      try await bench.advance(by: .seconds(20))
      try await eventually("the record and the ledger") { bench.store.keepBackPatient(true) == 2 }
      // As somebody who pauses a container and goes on at once.
      try await turn([])
      try await bench.expect([:])
      bench.store.carryOutKeptBack()
      try await turn([web])
      try await bench.expect([key: "10.0.0.1:8000"])
      let index = bench.store.modifiedIndex(key)
      bench.store.keepBackPatient(false)
      for _ in 1...3 { try await turn([web]) }
      #expect(bench.store.modifiedIndex(key) == index)
    }
  }

  @Test func `records of a lost machine go with their time to live`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      bench.engine.tell(.everything)
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
      bench.engine.fail(true)
      // While the engine does not answer, nothing keeps its records alive.
      for _ in 0..<4 { try await bench.advance(by: .seconds(20)) }
      try await bench.expect([:])
      bench.engine.fail(false)
      try await eventually("back") {
        try await bench.advance(by: .seconds(10))
        return bench.store.files(below: "/services").count == 1
      }
    }
  }

  @Test func `a missed event is made good by the clock`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      try await bench.advance(by: .seconds(20))
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
    }
  }

  @Test func `a record that someone removed comes back`() async throws {
    try await Bench.with { bench in
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      bench.engine.tell(.everything)
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
      _ = try await bench.store.delete("/services", recursive: true)
      try await bench.advance(by: .seconds(20))
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
    }
  }

  @Test func `a new start removes what the last run left, and only what is still ours`() async throws {
    let store = MemoryStore()
    let web = "/services/nginx/core-01:web:80"
    try await store.set(web, "10.0.0.1:8000")
    try await store.set("/services/old/custom-id", "10.0.0.1:1")
    try await store.set("/services/taken/x", "10.9.9.9:1")
    try await store.set("/services/foreign/y", "10.9.9.9:2")
    let ledger = OwnershipLedger([
      web: "10.0.0.1:8000", "/services/old/custom-id": "10.0.0.1:1", "/services/taken/x": "10.0.0.1:2",
    ])
    try await store.set(Self.ledgerKey, ledger.text)
    let engine = ScriptedEngine()
    engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
    let before = store.modifiedIndex(web)
    try await Bench.with(engine: engine, store: store) { bench in
      try await bench.expect([
        web: "10.0.0.1:8000", "/services/taken/x": "10.9.9.9:1", "/services/foreign/y": "10.9.9.9:2",
      ])
      #expect(bench.store.read("/services/old") == nil)
      try await eventually("the ledger holds ours alone") {
        bench.store.read(Self.ledgerKey)?.value == OwnershipLedger([web: "10.0.0.1:8000"]).text
      }
    }
    #expect(store.value(web) == "10.0.0.1:8000")
    #expect(before != nil)
  }

  @Test func `a port that moved is written anew under the same key`() async throws {
    try await Bench.with { bench in
      for port in [8000, 8001] {
        bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["\(port)>80"])])
        bench.engine.tell(.container(ContainerID("id-web")))
        try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:\(port)"])
      }
    }
  }

  @Test func `a store that does not answer is tried again`() async throws {
    try await Bench.with { bench in
      bench.store.fail(true)
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      bench.engine.tell(.everything)
      try await eventually("a failed turn") { bench.store.failureCount > 0 }
      bench.store.fail(false)
      // The retry comes by itself, well before the next turn by the clock at 20 s.
      for _ in 0..<10 where bench.store.files(below: "/services").isEmpty {
        try await bench.advance(by: .seconds(1))
        try? await eventually("written", within: .milliseconds(100)) {
          !bench.store.files(below: "/services").isEmpty
        }
      }
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
    }
  }

  @Test func `a record whose key is in the way does not hold up the others`() async throws {
    try await Bench.with { bench in
      _ = try await bench.store.set("/services/a", "a file where a directory should be")
      bench.engine.set([
        try ServiceRecordTests.container("a", image: "a", ports: ["1>80"]),
        try ServiceRecordTests.container("b", image: "b", ports: ["2>80"]),
      ])
      bench.engine.tell(.everything)
      try await bench.expect([
        "/services/a": "a file where a directory should be", "/services/b/core-01:b:80": "10.0.0.1:2",
      ])
    }
  }

  @Test func `an event reads its own container only`() async throws {
    try await Bench.with { bench in
      bench.engine.set(
        try (0..<5).map { try ServiceRecordTests.container("c\($0)", image: "i\($0)", ports: ["\(8000 + $0)>80"]) }
      )
      bench.engine.tell(.everything)
      try await eventually("all") { bench.store.files(below: "/services").count == 5 }
      let (lists, inspections) = (bench.engine.listCount, bench.engine.inspectCount)
      bench.engine.tell(.container(ContainerID("id-c3")))
      try await eventually("a turn") { bench.engine.listCount > lists }
      try await eventually("one look") { bench.engine.inspectCount == inspections + 1 }
    }
  }

  @Test func `the records stay when the registrator ends`() async throws {
    let store = MemoryStore()
    try await Bench.with(store: store) { bench in
      bench.engine.set([try ServiceRecordTests.container("web", image: "nginx", ports: ["8000>80"])])
      bench.engine.tell(.everything)
      try await bench.expect(["/services/nginx/core-01:web:80": "10.0.0.1:8000"])
    }
    #expect(store.files(below: "/services").count == 1)
  }
}
