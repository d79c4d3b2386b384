// SPDX-License-Identifier: Apache-2.0
import Fleet
import FleetWire
import NIOEmbedded
import StoreTestKit
import TestKit
import Testing

@testable import APIServer

@Suite struct NodeRouteTests {
  /// One unit with a few lines of output.
  private struct Inspection: UnitInspectionAPI {
    let name: String

    func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
      guard unitName == name else { throw .unitDoesNotExist }
      return UnitStatusReport(
        name: name,
        description: "A unit",
        machineID: "m1",
        loadState: "loaded",
        activeState: "active",
        subState: "running"
      )
    }

    func journal(of unitName: String, lines: Int, follow: Bool) -> AsyncThrowingStream<JournalLine, any Error> {
      AsyncThrowingStream(bufferingPolicy: .bufferingOldest(1_000)) { continuation in
        guard unitName == name else { return continuation.finish(throwing: FleetAPIError.unitDoesNotExist) }
        for number in 0..<lines {
          continuation.yield(JournalLine(epochMilliseconds: Int64(number), source: "sh", text: "line \(number)"))
        }
        if !follow { continuation.finish() }
      }
    }

    func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation {
      guard unitName == name else { throw .unitDoesNotExist }
      return UnitExplanation(
        name: name,
        targetState: .launched,
        currentState: .inactive,
        isGlobal: false,
        machineID: nil,
        summary: "no machine takes it",
        refusals: [FleetRefusal(machineID: "m1", reason: "metadata")]
      )
    }
  }

  private func connection() async throws -> TestConnection {
    let ports = APIPorts()
    ports.setStore(.member(MemoryKeys(), MemoryCluster()))
    ports.setInspection(Inspection(name: "a@1.service"))
    return try await TestConnection(ports)
  }

  @Test func `status and explanation of a unit are found by its decoded name`() async throws {
    let connection = try await connection()
    let status = try await connection.ask("GET", "/coracle/v1/units/a%401.service/status")
    #expect(status.status == 200)
    #expect(status.body.contains(#""activeState":"active""#))
    let explanation = try await connection.ask("GET", "/coracle/v1/units/a@1.service/explain")
    #expect(explanation.body.contains(#""refusals":[{"machineID":"m1","reason":"metadata"}]"#))
  }

  @Test func `what another node asks is answered for this machine only`() async throws {
    let ports = APIPorts()
    ports.setInspection(Inspection(name: "far.service"), local: Inspection(name: "near.service"))
    let connection = try await TestConnection(ports)
    for (unit, query, status) in [
      ("far", "", 200), ("far", "?local=true", 404), ("near", "", 404), ("near", "?local=true", 200),
    ] {
      let answer = try await connection.ask("GET", "/coracle/v1/units/\(unit).service/status\(query)")
      #expect(answer.status == status, "\(unit)\(query)")
    }
  }

  @Test func `a journal is lines of JSON`() async throws {
    let answer = try await connection().ask("GET", "/coracle/v1/units/a@1.service/journal?lines=2")
    #expect(answer["content-type"] == "application/x-ndjson")
    #expect(
      answer.body == #"{"epochMilliseconds":0,"source":"sh","text":"line 0"}"# + "\n"
        + #"{"epochMilliseconds":1,"source":"sh","text":"line 1"}"# + "\n"
    )
    #expect(try await connection().ask("GET", "/coracle/v1/units/a@1.service/journal?lines=0").body.isEmpty)
  }

  @Test func `a followed journal starts at once and stays open`() async throws {
    let connection = try await connection()
    try await connection.send("GET", "/coracle/v1/units/a@1.service/journal?lines=1&follow=1")
    #expect(try await connection.head().status == 200)
    #expect(try await connection.chunk()?.contains("line 0") == true)
    #expect(connection.channel.isActive)
  }

  @Test(arguments: ["status", "explain", "journal", "journal?follow=true"])
  func `an unknown unit is 404`(question: String) async throws {
    let answer = try await connection().ask("GET", "/coracle/v1/units/b.service/\(question)")
    #expect(answer.status == 404)
    #expect(answer.body == #"{"error":{"code":404,"message":"unit does not exist"}}"#)
  }

  @Test(arguments: ["-1", "x", "100001"])
  func `a wrong number of lines is 400`(lines: String) async throws {
    #expect(try await connection().ask("GET", "/coracle/v1/units/a@1.service/journal?lines=\(lines)").status == 400)
  }

  @Test func `the node's status has the digest when it is asked for`() async throws {
    let connection = try await connection()
    let plain = try await connection.ask("GET", "/coracle/v1/status")
    #expect(
      plain.body.hasPrefix(#"{"role":"StateFollower","clusterID":"117807652c60a770","memberID":"1273c4c5e190af94""#)
    )
    #expect(!plain.body.contains("digest"))
    let digest = try await connection.ask("GET", "/coracle/v1/status?digest=true")
    #expect(digest.body.contains(#""digest":{"etcdIndex":12,"raftAppliedIndex":19,"hash":"abc"}"#))
  }

  @Test func `other paths and methods are refused`() async throws {
    let connection = try await connection()
    #expect(try await connection.ask("GET", "/coracle/v1/nothing").status == 404)
    #expect(try await connection.ask("POST", "/coracle/v1/status").status == 405)
    let early = try await TestConnection(APIPorts())
    #expect(try await early.ask("GET", "/coracle/v1/status").status == 503)
    #expect(try await early.ask("GET", "/coracle/v1/units/a.service/status").status == 503)
  }
}
