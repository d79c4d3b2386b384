// SPDX-License-Identifier: Apache-2.0
import APIServer
import EtcdWire
import Fleet
import FleetWire
import NIOCore
import StoreTestKit
import Synchronization
import TestKit
import Testing

@testable import APIClients

@Suite struct FleetClientTests {
  /// Remembers what it was asked and answers with what it was given.
  private final class RecordingFleet: FleetAPI {
    let asked = Mutex<[String]>([])

    private func note(_ text: String) { asked.withLock { $0.append(text) } }

    func machines() async throws(FleetAPIError) -> [FleetMachine] {
      (0..<250).map { FleetMachine(id: "m\(1000 + $0)", primaryIP: "10.0.0.1", metadata: ["n": "\($0)"]) }
    }

    func patchMachines(_ operations: [MachineMetadataOperation]) async throws(FleetAPIError) {
      for operation in operations { note("\(operation.operation) \(operation.path) \(operation.value)") }
    }

    func units() async throws(FleetAPIError) -> [FleetUnit] { [] }

    func unit(named name: String) async throws(FleetAPIError) -> FleetUnit {
      guard name == "a@1.service" else { throw .unitDoesNotExist }
      return FleetUnit(
        name: name,
        options: [],
        desiredState: .launched,
        currentState: .inactive,
        reason: "no machine",
        refusals: [FleetRefusal(machineID: "m1", reason: "metadata")]
      )
    }

    func putUnit(named name: String, _ request: FleetUnitRequest) async throws(FleetAPIError) -> FleetUnitPutOutcome {
      note("put \(name) \(request.desiredState)")
      return request.options.isEmpty ? .changed : .created
    }

    func destroyUnit(named name: String) async throws(FleetAPIError) {
      guard name == "a@1.service" else { throw .unitDoesNotExist }
      note("destroy \(name)")
    }

    func states(matching filter: FleetStateFilter) async throws(FleetAPIError) -> [FleetUnitState] {
      note("states \(filter.machineID ?? "-") \(filter.unitName ?? "-")")
      return [
        FleetUnitState(
          name: "a@1.service",
          hash: "00",
          machineID: "m1",
          loadState: "loaded",
          activeState: "active",
          subState: "running"
        )
      ]
    }
  }

  @Test func `every call of the port goes round`() async throws {
    try await TestServer.with { servers, transport in
      let fleet = RecordingFleet()
      servers[0].ports.setFleet(fleet)
      let client = FleetClient(endpoints: [servers[0].endpoint], transport: transport)
      let machines = try await fleet.machines()
      #expect(try await client.machines() == machines)
      #expect(try await client.units().isEmpty)
      let unit = try await fleet.unit(named: "a@1.service")
      #expect(try await client.unit(named: "a@1.service") == unit)
      #expect(try await client.putUnit(named: "a@1.service", FleetUnitRequest(desiredState: "launched")) == .changed)
      try await client.destroyUnit(named: "a@1.service")
      try await client.patchMachines([MachineMetadataOperation(operation: "add", path: "/m1/metadata/k", value: "v")])
      let states = try await client.states(matching: FleetStateFilter(machineID: "m 1", unitName: "a@1.service"))
      #expect(states.map(\.activeState) == ["active"])
      #expect(
        fleet.asked.withLock { $0 } == [
          "put a@1.service launched", "destroy a@1.service", "add /m1/metadata/k v", "states m 1 a@1.service",
        ]
      )
    }
  }

  @Test func `errors keep their status and text, and a dead server is 503`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setFleet(RecordingFleet())
      let client = FleetClient(endpoints: [servers[0].endpoint], transport: transport)
      await #expect(throws: FleetAPIError.unitDoesNotExist) { try await client.unit(named: "b.service") }
      servers[0].ports.setFleet(nil)
      await #expect(throws: FleetAPIError.storeUnreachable) { try await client.units() }
      await servers[0].server.shutdown(within: .zero)
      var error: FleetAPIError?
      // A connection that was kept may be noticed to be dead by one request more.
      try await eventually("the dead server refuses") {
        do throws(FleetAPIError) {
          _ = try await client.units()
        } catch let failure {
          error = failure
        }
        return error?.message.contains("connection refused") == true
      }
      #expect(error?.httpStatus == 503)
      let url = servers[0].endpoint.url
      #expect(
        error == .unreachable("Get \(url)/fleet/v1/units: dial tcp \(url.dropFirst(7)): connect: connection refused")
      )
      let two = FleetClient(endpoints: [servers[0].endpoint, servers[0].endpoint], transport: transport)
      let both = await #expect(throws: FleetAPIError.self) { try await two.units() }
      #expect(both?.message.hasPrefix("no endpoint answers: dial tcp ") == true)
    }
  }

  @Test func `an answer that does not say why is shown as it came`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setFleet(RecordingFleet())
      let below = FleetClient(endpoints: [try Endpoint(servers[0].endpoint.url + "/fleet/v1/x")], transport: transport)
      let body = #"{"error":{"code":404,"message":""}}"#
      let expected = FleetAPIError.unexplained(httpStatus: 404, body: body)
      await #expect(throws: expected) { try await below.units() }
    }
  }

  /// A journal that goes on for as long as it is read.
  private struct EndlessJournal: UnitInspectionAPI {
    let stopped: @Sendable () -> Void

    func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
      guard unitName == "a.service" else { throw .unitDoesNotExist }
      return UnitStatusReport(
        name: unitName,
        description: "",
        machineID: "m1",
        loadState: "loaded",
        activeState: "active",
        subState: "running"
      )
    }

    func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
      AsyncThrowingStream(bufferingPolicy: .bufferingOldest(100_000)) { continuation in
        guard unitName == "a.service" else { return continuation.finish(throwing: FleetAPIError.unitDoesNotExist) }
        for number in 0..<lines {
          continuation.yield(JournalLine(epochMilliseconds: Int64(number), source: "sh", text: "ü \(number)"))
        }
        if !follow { continuation.finish() }
        continuation.onTermination = { _ in stopped() }
      }
    }

    func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation { throw .unitDoesNotExist }
  }

  @Test func `a journal arrives whole through a full buffer, and following stops with its reader`() async throws {
    try await TestServer.with { servers, transport in
      let stops = CollectedStops()
      servers[0].ports.setInspection(EndlessJournal { stops.count.withLock { $0 += 1 } })
      let client = NodeClient(endpoints: [servers[0].endpoint], transport: transport)
      var numbers: [Int64] = []
      for try await line in client.journal(of: "a.service", lines: 5_000, follow: false) {
        numbers.append(line.epochMilliseconds)
      }
      #expect(numbers == Array(0..<5_000))
      for try await line in client.journal(of: "a.service", lines: 3, follow: true) where line.epochMilliseconds == 2 {
        break
      }
      try await eventually("the node has stopped reading") { stops.count.withLock { $0 } == 2 }
      #expect(try await client.status(of: "a.service").activeState == "active")
      await #expect(throws: FleetAPIError.unitDoesNotExist) {
        for try await _ in client.journal(of: "b.service", lines: 3, follow: true) {}
      }
      await #expect(throws: FleetAPIError.unitDoesNotExist) { try await client.explain("a.service") }
    }
  }

  private final class CollectedStops: Sendable {
    let count = Mutex(0)
  }

  @Test func `a member's status comes with its digest`() async throws {
    try await TestServer.with { servers, transport in
      servers[0].ports.setStore(
        .member(MemoryKeys(), MemoryCluster(clientURLs: ("http://127.0.0.1:10", "http://127.0.0.1:11")))
      )
      let client = NodeClient(endpoints: [servers[0].endpoint], transport: transport)
      guard case .member(let status) = try await client.nodeStatus(withDigest: true) else {
        Issue.record("not a member")
        return
      }
      #expect(status.role == .follower && status.leaderID == "26d059257a35c082" && status.etcdIndex == 12)
      #expect(status.digest == NodeStatus.Digest(etcdIndex: 12, raftAppliedIndex: 19, hash: "abc"))
    }
  }
}
