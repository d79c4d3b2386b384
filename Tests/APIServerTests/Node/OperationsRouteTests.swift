// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Fleet
import FleetWire
import StoreTestKit
import Synchronization
import Testing
import Units

@testable import APIServer

@Suite struct OperationsRouteTests {
  /// Remembers what it was asked.
  private final class Operations: ClusterOperationsAPI {
    let asked = Mutex<[String]>([])
    let sample = Roll(
      name: "web@.service",
      isGlobal: false,
      hash: nil,
      maxUnavailable: 1,
      healthTimeout: .seconds(1),
      copies: []
    )

    func note(_ what: String) { asked.withLock { $0.append(what) } }

    func rolls() async throws(FleetAPIError) -> [Roll] { [sample] }
    func roll(of name: String) async throws(FleetAPIError) -> Roll {
      guard name == sample.name else { throw .notFound("there is no roll of \(name)") }
      return sample
    }
    func beginRoll(_ request: RollRequest) async throws(FleetAPIError) -> Roll {
      note("begin \(request.name) \(request.maxUnavailable) \(request.healthTimeoutMilliseconds)")
      return sample
    }
    func changeRoll(of name: String, _ change: RollChange) async throws(FleetAPIError) -> Roll {
      note("\(change) \(name)")
      return sample
    }
    func rebalancing(withPlan: Bool) async throws(FleetAPIError) -> RebalancingReport {
      note("rebalancing \(withPlan)")
      return RebalancingReport(last: nil, isAutomatic: true, plan: [])
    }
    func beginRebalancing() async throws(FleetAPIError) -> Rebalancing {
      note("rebalance")
      return Rebalancing()
    }
    func setRebalancesAutomatically(_ isAutomatic: Bool) async throws(FleetAPIError) {
      note("automatic \(isAutomatic)")
    }
  }

  private func ask(
    _ method: String,
    _ path: String,
    body: String = "",
    _ operations: Operations?
  ) async throws -> TestResponse {
    let ports = APIPorts()
    ports.setStore(.member(MemoryKeys(), MemoryCluster()))
    ports.setOperations(operations)
    return try await TestConnection(ports).ask(method, "/coracle/v1/" + path, body: body)
  }

  @Test func `rolls are listed, begun and changed by their decoded names`() async throws {
    let operations = Operations()
    #expect(try await ask("GET", "rolls", operations).body.contains("\"name\":\"web@.service\""))
    #expect(try await ask("GET", "rolls/web%40.service", operations).status == 200)
    let body = RollRequest(name: "web@.service", options: [], maxUnavailable: 2, healthTimeoutMilliseconds: 3).json.text
    #expect(try await ask("POST", "rolls", body: body, operations).status == 201)
    for change in ["pause", "resume", "rollback"] {
      #expect(try await ask("POST", "rolls/web@.service/\(change)", operations).status == 200)
    }
    let names = ["begin web@.service 2 3", "pause web@.service", "resume web@.service", "rollback web@.service"]
    #expect(operations.asked.withLock { $0 } == names)
  }

  @Test func `rebalancing is asked for, planned and switched`() async throws {
    let operations = Operations()
    #expect(try await ask("GET", "rebalancing?plan=true", operations).body == "{\"automatic\":true}")
    #expect(try await ask("POST", "rebalancing", operations).status == 202)
    let answer = try await ask("PUT", "rebalancing", body: "{\"automatic\":false}", operations)
    #expect(answer.status == 204)
    #expect(operations.asked.withLock { $0 } == ["rebalancing true", "rebalance", "automatic false"])
  }

  @Test(arguments: [
    ("GET", "rolls/other.service", 404), ("POST", "rolls/web@.service/undo", 404), ("POST", "rolls", 400),
    ("PUT", "rebalancing", 400), ("DELETE", "rolls", 405),
  ])
  func `what cannot be is refused in fleet's form`(method: String, path: String, status: Int) async throws {
    let answer = try await ask(method, path, Operations())
    #expect(answer.status == status && answer.body.contains("\"error\""), "\(answer)")
  }

  @Test func `before the node runs units it says so`() async throws {
    #expect(try await ask("GET", "rolls", nil).status == 503)
  }
}
