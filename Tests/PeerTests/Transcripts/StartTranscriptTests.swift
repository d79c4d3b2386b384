// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import Differential

/// Sections 9 and 9b, second part: what is refused at the start, with which status, and that the message says where.
@Suite(.serialized) struct StartTranscriptTests {
  private static let accepted = [
    "listen without advertise": "others are told the address that is listened on",
    "an unknown initial-cluster-state": "the value stands in the document, where every error ends with 1",
    "a word too many": "a usage error ends with 2, as everywhere in coracle",
  ]

  /// A start that the record has too.
  private struct Start {
    var name: String
    /// Settings beside the usual ones; empty ones are left out.
    var settings: [String: String] = [:]
    var flags: [String] = []
    /// What the message must name.
    var mentions: [String]
  }

  /// Starts that stand in a part of their own, without their status.
  private static func partStarts(_ address: String) -> [Start] {
    [
      Start(
        name: "https url without certs",
        settings: ["listen-client-urls": "https://\(address):2379"],
        mentions: ["coreos.etcd2.listen-client-urls: https://\(address):2379 needs", "cert-file", "key-file"]
      ),
      Start(
        name: "listen without advertise",
        settings: ["advertise-client-urls": ""],
        mentions: []
      ),
      Start(
        name: "bad election",
        settings: ["election-timeout": "400"],
        mentions: ["coreos.etcd2.election-timeout (400 ms)", "heartbeat-interval (100 ms)"]
      ),
    ]
  }

  /// The starts behind `# name mismatch`, in the order of the record.
  private static func listedStarts(_ address: String) -> [Start] {
    let peerURL = "http://\(address):2380"
    return [
      Start(
        name: "a name that is not in initial-cluster",
        settings: ["initial-cluster": "zz=\(peerURL)"],
        mentions: ["has no entry for this member's name, \"e\""]
      ),
      Start(
        name: "another URL in initial-cluster than is advertised",
        settings: ["initial-cluster": "e=http://\(address):2381"],
        mentions: ["initial-cluster", "initial-advertise-peer-urls"]
      ),
      Start(
        name: "initial-cluster and discovery",
        settings: ["discovery": "http://\(address):2399/token"],
        mentions: ["initial-cluster", "discovery", "exclude each other"]
      ),
      Start(
        name: "an unknown initial-cluster-state",
        settings: ["initial-cluster-state": "bogus"],
        mentions: ["initial-cluster-state", "bogus"]
      ),
      Start(name: "an unknown flag", flags: ["--bogus-flag"], mentions: ["--bogus-flag"]),
      Start(name: "a word too many", flags: ["extra-arg"], mentions: ["extra-arg"]),
      Start(
        name: "a host name to listen on",
        settings: ["listen-client-urls": "http://example.com:2379"],
        mentions: ["example.com"]
      ),
      Start(
        name: "existing members that do not answer",
        settings: ["initial-cluster": "e=\(peerURL),x=http://\(address):2399", "initial-cluster-state": "existing"],
        mentions: ["cannot fetch cluster info from peer urls", "http://\(address):2399"]
      ),
    ]
  }

  @Test func `what sections 9 and 9b refuse at the start is refused, by name`() async throws {
    let report = ReplayReport("sections 9 and 9b, starts", accepted: Self.accepted)
    let parts = try RecordedTranscript.parts(of: "9b")
    let statuses = try #require(parts["name mismatch"]).filter { $0.hasPrefix("rc=") }
    try await withTestDirectory { directory in
      let prefix = LoneServer.freePrefix()
      func begin(_ number: Int, _ start: (String) -> Start) throws -> (Start, TranscriptMachine) {
        let machine = try TranscriptMachine("e", "\(prefix).\(number)", below: directory)
        let start = start(machine.address)
        var settings = machine.ownURLs.merging(["initial-cluster": "e=\(machine.peerURL)"]) { $1 }
        settings.merge(start.settings) { $1 }
        try machine.start(settings.filter { !$0.value.isEmpty }, flags: start.flags)
        return (start, machine)
      }
      let inParts = try Self.partStarts("").indices.map { place in try begin(place + 1) { Self.partStarts($0)[place] } }
      let listed = try Self.listedStarts("").indices.map { place in
        try begin(place + 11) { Self.listedStarts($0)[place] }
      }
      #expect(statuses.count == listed.count)
      for (start, machine) in inParts {
        let record = try #require(parts[start.name])
        #expect(record.contains { $0.contains(" C | ") || $0.contains(" E | ") })
        let ours = start.mentions.isEmpty ? try await served(machine) : refused(try await machine.waitForEnd())
        report.compare(start.name, ours: ours, recorded: "refused")
        check(start, machine)
      }
      for ((start, machine), recorded) in zip(listed, statuses) {
        report.compare(start.name, ours: "rc=\(try await machine.waitForEnd())", recorded: recorded)
        check(start, machine)
      }
    }
    report.finish(atLeast: 11)
  }

  private func refused(_ status: Int32) -> String { status == 1 ? "refused" : "ended with \(status)" }

  private func served(_ machine: TranscriptMachine) async throws -> String {
    try await machine.waitUntilHealthy()
    return try machine.get("/v2/members").contains("\"clientURLs\":[\"\(machine.endpoint)\"]") ? "served" : "not told"
  }

  private func check(_ start: Start, _ machine: TranscriptMachine) {
    for mention in start.mentions { #expect(machine.log.contains(mention), "\(start.name): \(machine.log)") }
  }
}
