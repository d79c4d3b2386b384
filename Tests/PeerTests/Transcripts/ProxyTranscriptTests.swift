// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc
import TestKit
import Testing

@testable import Differential

/// Section 7: members that find each other by a token, proxies, and what those answer when no member is left.
@Suite(.serialized) struct ProxyTranscriptTests {
  private static let accepted = [
    "GET 16040/health": health,
    "GET 16050/health": health,
    "what a proxy keeps": "the members' peer URLs stand in a file of coracle's own, beside what else it is",
  ]
  private static let health = "/health is that of etcd 3.4"

  @Test func `discovery and proxies of section 7 behave as recorded`() async throws {
    let lines = try RecordedTranscript.section("7")
    let exchanges = try RecordedTranscript.pythonExchanges(lines, keysBelow: "").map { try #require($0) }
    let report = ReplayReport("section 7", accepted: Self.accepted)
    try await withTestDirectory { directory in
      let replay = try await ProxyReplay(lines, exchanges, report, directory)
      try await replay.makeCluster()
      try await replay.askProxies()
      try await replay.loseMembers()
    }
    report.finish(atLeast: exchanges.count + 6)
  }
}

/// The machines of section 7: port 160N0 is the client port of machine N, 12379 that of the discovery service.
private final class ProxyReplay {
  private let lines: [String]
  private var exchanges: ArraySlice<RecordedExchange>
  private let report: ReplayReport
  private let service: TranscriptMachine
  private let machines: [TranscriptMachine]
  private var ids: [String: String] = [:]

  private static let recordedIDs = ["13b7f34729cd3357": "n1", "199c6e53102efa5a": "n0"]
  private static let token = "tok1795214097"

  init(
    _ lines: [String],
    _ exchanges: [RecordedExchange],
    _ report: ReplayReport,
    _ directory: URL
  ) async throws {
    self.lines = lines
    self.exchanges = exchanges[...]
    self.report = report
    let prefix = LoneServer.freePrefix()
    service = try TranscriptMachine("service", "\(prefix).254", below: directory)
    machines = try (0...5).map { try TranscriptMachine("n\($0)", "\(prefix).\($0 + 1)", below: directory) }
    var settings = service.ownURLs
    settings["initial-cluster"] = "service=\(service.peerURL)"
    try service.start(settings)
    try await service.waitUntilHealthy()
  }

  // MARK: The recorded steps

  func makeCluster() async throws {
    let url = "\(service.endpoint)/v2/keys/_etcd/registry/\(Self.token)"
    func start(_ number: Int, _ more: [String: String] = [:]) throws {
      let settings = machines[number].ownURLs.merging(["discovery": url]) { $1 }
      try machines[number].start(settings.merging(more) { $1 })
    }
    // The token has no size yet.
    try start(0)
    report.compare(
      "a token without a size",
      ours: "exit \(try await machines[0].waitForEnd())",
      recorded: exit("nosize")
    )
    #expect(machines[0].log.contains(url), "\(machines[0].log)")
    try replayNext()
    try start(0)
    try await waitForRegistrations(1)
    try replayNext()
    try start(1)
    try await waitForRegistrations(2)
    for machine in machines[0...1] { try await machine.waitUntilHealthy() }
    try await eventually("both have told their names") {
      let members = try machines[0].get("/v2/members")
      return machines[0...1].allSatisfy { members.contains("\"name\":\"\($0.name)\"") }
    }
    try replayNext(2)
    try start(2)
    try await machines[2].waitUntilHealthy()
    #expect(lines.contains { $0.hasSuffix("discovery cluster full, falling back to proxy") })
    let isProxy = try machines[2].ask(RequestTemplate("GET", "/v2/config/local/proxy")).status == 200
    report.compare("one too many", ours: isProxy ? "a proxy" : "no proxy", recorded: "a proxy")
    try replayNext()
    try start(3, ["discovery-fallback": "exit"])
    let status = try await machines[3].waitForEnd()
    report.compare("one too many that is to exit", ours: "exit \(status)", recorded: exit("n3 fallback"))
    #expect(machines[3].log.contains(url) && machines[3].log.contains("full"), "\(machines[3].log)")
  }

  func askProxies() async throws {
    let cluster = machines[0...1].map { "\($0.name)=\($0.peerURL)" }.joined(separator: ",")
    for (number, proxy) in [(4, "on"), (5, "readonly")] {
      let machine = machines[number]
      try machine.start([
        "proxy": proxy, "initial-cluster": cluster, "listen-client-urls": machine.endpoint, "cors": "http://a.com",
      ])
      // Asked of the proxy itself, so that its count begins at nothing.
      try await eventually("\(machine.name) knows the members") {
        try machines[0...1].allSatisfy { try machine.get("/v2/config/local/proxy").contains($0.endpoint) }
      }
    }
    for exchange in exchanges.prefix(20) {
      try replayNext()
      if exchange.request.target == "/metrics" { try compareMetrics(place(of: exchange)) }
    }
    try replayNext(3)
    let kept = try String(
      contentsOf: machines[4].dataDirectory.appendingPathComponent("membership"),
      encoding: .utf8
    )
    let known = machines.filter { kept.contains($0.peerURL) }.map(\.name).joined(separator: ",")
    #expect(lines.contains { $0.hasPrefix("proxy dir ['proxy'] ['cluster'] {\"PeerURLs\":[") })
    report.compare("what a proxy keeps", ours: "membership: \(known)", recorded: "proxy/cluster: n0,n1")
    #expect(known == "n0,n1")
  }

  func loseMembers() async throws {
    for machine in machines[0...1] { try await machine.end(SIGKILL) }
    try replayNext(3)
    #expect(exchanges.isEmpty)
  }

  // MARK: Comparing

  private func exit(_ who: String) -> String {
    let line = lines.first { $0.hasPrefix("\(who) exit ") }?.dropFirst(who.count + 1)
    return line.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } ?? "not recorded"
  }

  /// Waits until members have registered, and learns their ids.
  private func waitForRegistrations(_ count: Int) async throws {
    try await eventually("\(count) have registered") {
      let tree = try JSONValue.parse(service.get("/v2/keys/_etcd/registry/\(Self.token)").utf8)
      let nodes = tree["node"]?["nodes"]?.array ?? []
      for node in nodes {
        let id = node["key"]?.string?.split(separator: "/").last.map(String.init) ?? ""
        ids[id] = node["value"]?.string?.split(separator: "=").first.map(String.init)
      }
      return nodes.count == count
    }
  }

  private func place(of exchange: RecordedExchange) -> Int? {
    let port = exchange.host.split(separator: ":").last.flatMap { Int($0) } ?? 0
    return port == 12_379 ? nil : port % 100 / 10
  }

  private func replayNext(_ count: Int = 1) throws {
    for _ in 0..<count {
      let next = exchanges.popFirst()
      let exchange = try #require(next)
      let machine = place(of: exchange).map { machines[$0] } ?? service
      let answer = try machine.ask(exchange.request)
      var (texts, name) = (comparison(for: machine).texts(answer, exchange), "\(exchange.request.method) ")
      if exchange.request.target == "/metrics" {
        // The samples are compared one by one.
        texts = ("status \(answer.status)", "status \(exchange.answer.status)")
      }
      name += "\(exchange.host.split(separator: ":").last ?? "")\(exchange.request.target)"
      report.compare(name, ours: texts.ours, recorded: texts.recorded)
    }
  }

  private func comparison(for machine: TranscriptMachine) -> AnswerComparison {
    var comparison = AnswerComparison(
      ours: ServerFacts(
        label: "coracle",
        replacements: ids.map { (text: $0.key, placeholder: "ID-\($0.value)") }
          + machines.flatMap { [($0.endpoint, "CLIENT-\($0.name)"), ($0.peerURL, "PEER-\($0.name)")] }
      ),
      recorded: ServerFacts(
        label: "etcd",
        // What etcd has written for itself took indexes.
        indexOffset: machine === service ? 1_760 : 5,
        replacements: Self.recordedIDs.map { (text: $0.key, placeholder: "ID-\($0.value)") }
          + machines.enumerated().flatMap { number, machine in
            [
              ("http://127.0.0.1:160\(number)0", "CLIENT-\(machine.name)"),
              ("http://127.0.0.1:160\(number)1", "PEER-\(machine.name)"),
            ]
          }
      )
    )
    comparison.ignoresOrder = true
    comparison.recordedFields = [
      "content-type", "x-etcd-cluster-id", "x-etcd-index", "x-raft-index", "x-raft-term", "location",
      "access-control-allow-origin",
    ]
    return comparison
  }

  /// The record shows the first samples: how often members answered with what, and the buckets of their times.
  private func compareMetrics(_ place: Int?) throws {
    let place = try #require(place)
    let start = try #require(lines.firstIndex { $0.hasPrefix("$ GET http://127.0.0.1:160\(place)0/metrics ") })
    // The record's last line is cut off, help is in other words.
    let recorded = lines[(start + 1)...].prefix { !$0.hasPrefix("$ ") }.dropLast().filter { !$0.hasPrefix("# HELP") }
    func shown(_ line: some StringProtocol) -> String {
      // How long an answer took is nobody's promise.
      line.contains("_bucket{") ? String(line.prefix { $0 != " " }) : String(line)
    }
    let ours = Set(try machines[place].get("/metrics").split(separator: "\n").map { shown($0) })
    let missing = recorded.map { shown($0) }.filter { !ours.contains($0) }
    let counts = ours.filter { $0.hasPrefix("etcd_proxy_handled_total") }.sorted()
    let text = missing.isEmpty ? "all samples" : "without \(missing), with \(counts)"
    report.compare("samples of n\(place)", ours: text, recorded: "all samples")
  }
}
