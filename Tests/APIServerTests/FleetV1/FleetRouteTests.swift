// SPDX-License-Identifier: Apache-2.0
import FleetWire
import Foundation
import Testing

@testable import APIServer

@Suite struct FleetRouteTests {
  private func connection(
    _ content: MemoryFleet.Content = .init(),
    surface: APISurface = .everything
  ) async throws -> TestConnection {
    let ports = APIPorts()
    ports.setFleet(MemoryFleet(content))
    return try await TestConnection(ports, surface: surface)
  }

  @Test func `every path answers 503 until the machine has registered`() async throws {
    let ports = APIPorts()
    let connection = try await TestConnection(ports, surface: .fleet)
    for path in ["/fleet/v1/units", "/", "/v1-alpha/machines", "/metrics"] {
      let answer = try await connection.ask("GET", path)
      #expect(answer.status == 503)
      #expect(answer.body == #"{"error":{"code":503,"message":"fleet server unable to communicate with etcd"}}"#)
    }
    ports.setFleet(MemoryFleet())
    #expect(try await connection.ask("GET", "/fleet/v1/units").body == "{}")
  }

  @Test func `a machine that has lost its store answers 503 everywhere, also to wrong requests`() async throws {
    var content = MemoryFleet.Content()
    content.isReady = false
    let connection = try await connection(content, surface: .fleet)
    let requests = [
      ("GET", "/fleet/v1/discovery"), ("POST", "/fleet/v1/units"), ("GET", "/fleet/v1/nothing"), ("GET", "/metrics"),
      ("PUT", "/fleet/v1/units/a.service"), ("GET", "/fleet/v1/machines?nextPageToken="),
    ]
    for (method, path) in requests {
      let answer = try await connection.ask(method, path)
      #expect(answer.status == 503, "\(method) \(path)")
      #expect(answer.body == #"{"error":{"code":503,"message":"fleet server unable to communicate with etcd"}}"#)
    }
  }

  @Test func `a listener for fleet serves metrics, as fleetd does`() async throws {
    let answer = try await connection(surface: .fleet).ask("GET", "/metrics")
    #expect(answer.status == 200)
    #expect(answer["content-type"]?.hasPrefix("text/plain") == true)
    #expect(answer.body.contains("process_start_time_seconds"))
  }

  @Test func `listings come in pages of 100 with a token for the next`() async throws {
    var content = MemoryFleet.Content()
    content.machines = (0..<250).map { FleetMachine(id: "m\(1000 + $0)", primaryIP: "") }
    let connection = try await connection(content)
    let first = try await connection.ask("GET", "/fleet/v1/machines?alt=json")
    #expect(first.body.hasSuffix(#"],"nextPageToken":"ZAACAA=="}"#))
    #expect(first.body.components(separatedBy: #""id""#).count == 101)
    let last = try await connection.ask("GET", "/fleet/v1/machines?nextPageToken=ZAADAA%3D%3D")
    #expect(last.body.components(separatedBy: #""id""#).count == 51)
    #expect(!last.body.contains("nextPageToken"))
  }

  @Test func `names in paths are percent-decoded`() async throws {
    let connection = try await connection()
    let body = #"{"options":[{"section":"Service","name":"ExecStart","value":"/bin/true"}]}"#
    let put = try await connection.ask(
      "PUT",
      "/fleet/v1/units/a%401%3Ab.service",
      headers: [("Content-Type", "application/json")],
      body: body
    )
    #expect(put.status == 201)
    #expect(put["content-type"] == nil)
    #expect(try await connection.ask("GET", "/fleet/v1/units/a@1:b.service").body.contains(#""name":"a@1:b.service""#))
  }

  @Test func `a missing state is 404, but an empty state for fleetctl, which would crash`() async throws {
    let connection = try await connection()
    let plain = try await connection.ask("GET", "/fleet/v1/state/a.service")
    #expect(plain.body == #"{"error":{"code":404,"message":"unit state does not exist"}}"#)
    let fleetctl = try await connection.ask(
      "GET",
      "/fleet/v1/state/a.service?alt=json",
      headers: [("User-Agent", "google-api-go-client/0.5")]
    )
    #expect(fleetctl.status == 200)
    #expect(fleetctl.body == "{}")
  }

  @Test func `a listing's filters are exact and the first of a name counts`() async throws {
    var content = MemoryFleet.Content()
    for (unit, machine) in [("a.service", "m1"), ("a.service", "m2"), ("b.service", "m1")] {
      content.states.append(
        FleetUnitState(
          name: unit,
          hash: "",
          machineID: machine,
          loadState: "loaded",
          activeState: "active",
          subState: "running"
        )
      )
    }
    let connection = try await connection(content)
    let both = try await connection.ask("GET", "/fleet/v1/state?machineID=m1&machineID=m2&unitName=a.service")
    #expect(both.body.components(separatedBy: #""machineID":"m1","name":"a.service""#).count == 2)
    #expect(!both.body.contains("m2") && !both.body.contains("b.service"))
  }

  @Test func `the port's errors become fleet's error bodies`() async throws {
    var content = MemoryFleet.Content()
    content.failure = .failed("no quorum")
    let answer = try await connection(content).ask("GET", "/fleet/v1/units")
    #expect(answer.status == 500)
    #expect(answer.body == #"{"error":{"code":500,"message":"no quorum"}}"#)
  }

  @Test func `the discovery document describes the API`() async throws {
    let answer = try await connection().ask("GET", "/fleet/v1/discovery")
    #expect(answer.status == 200)
    #expect(answer.body.contains(#""basePath":"/fleet/v1/""#))
  }

  @Test func `a listener for fleet serves nothing else but its machine's units, and others answer 404 outside of it`()
    async throws
  {
    let fleetOnly = try await connection(surface: .fleet)
    #expect(try await fleetOnly.ask("GET", "/coracle/v1/status").status == 404)
    #expect(try await fleetOnly.ask("GET", "/coracle/v1/units/a.service/status").status == 503)
    #expect(try await fleetOnly.ask("GET", "/coracle/v1/journal?unit=a.service").status == 503)
    let keys = try await fleetOnly.ask("GET", "/v2/keys")
    #expect(keys.status == 404)
    #expect(keys.body == #"{"error":{"code":404,"message":""}}"#)
    let everything = try await connection()
    #expect(try await everything.ask("GET", "/").body == "404 page not found\n")
    #expect(try await everything.ask("GET", "/fleet/v1/nothing").body == #"{"error":{"code":404,"message":""}}"#)
  }
}
