// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import StoreTestKit
import Synchronization
import Testing

@testable import APIServer

/// Members, machines, stats, version and health (specs/etcd-v2.md §12).
@Suite struct ClusterRoutesTests {
  private let cluster = MemoryCluster()
  private let ports = APIPorts()
  private let json = [("Content-Type", "application/json")]

  init() {
    ports.setStore(.member(MemoryKeys(), cluster))
  }

  private func ask(
    _ method: String,
    _ target: String,
    headers: [(String, String)] = [],
    body: String = ""
  ) async throws -> TestResponse {
    try await TestConnection(ports).ask(method, target, headers: headers, body: body)
  }

  @Test(arguments: ["/v2/members", "/v2/members/"])
  func `members are listed`(path: String) async throws {
    let answer = try await ask("GET", path)
    #expect(answer.status == 200)
    #expect(answer["x-etcd-cluster-id"] == "117807652c60a770")
    #expect(
      answer.body
        == #"{"members":[{"id":"1273c4c5e190af94","name":"m1","peerURLs":["http://127.0.0.1:14011"],"#
        + #""clientURLs":["http://127.0.0.1:14010"]},{"id":"26d059257a35c082","name":"m2","#
        + #""peerURLs":["http://127.0.0.1:14021"],"clientURLs":["http://127.0.0.1:14000"]}]}"# + "\n"
    )
  }

  @Test func `the leader is one member, or 503 during an election`() async throws {
    #expect(try await ask("GET", "/v2/members/leader").body.hasPrefix(#"{"id":"26d059257a35c082","name":"m2","#))
    cluster.facts.withLock { $0.leaderID = nil }
    let none = try await ask("GET", "/v2/members/leader")
    #expect(none.status == 503)
    #expect(none.body == #"{"message":"During election"}"#)
    #expect(try await ask("GET", "/v2/members/foo").body == #"{"message":"Not found"}"#)
  }

  @Test func `a member is added`() async throws {
    let answer = try await ask(
      "POST",
      "/v2/members",
      headers: json,
      body: #"{"peerURLs":["http://127.0.0.1:14051"]}"#
    )
    #expect(answer.status == 201)
    #expect(
      answer.body
        == #"{"id":"6ae481b4e7442413","name":"","peerURLs":["http://127.0.0.1:14051"],"clientURLs":[]}"# + "\n"
    )
  }

  @Test(arguments: [
    ("nope", 400, ""),
    (#"{"peerURLs":[]}"#, 400, "no valid URLs given"),
    (
      #"{"peerURLs":["http://127.0.0.1"]}"#, 400, #"URL address does not have the form \"host:port\": http://127.0.0.1"#
    ),
    (#"{"peerURLs":["ftp://1.1.1.1:22"]}"#, 400, "URL scheme must be http, https, unix, or unixs: ftp://1.1.1.1:22"),
    (#"{"peerURLs":["http://1.1.1.1:22/path"]}"#, 400, "URL must not contain a path: http://1.1.1.1:22/path"),
  ])
  func `bodies that name no peers are refused`(body: String, status: Int, message: String) async throws {
    let answer = try await ask("POST", "/v2/members", headers: json, body: body)
    #expect(answer.status == status)
    if !message.isEmpty { #expect(answer.body == #"{"message":"\#(message)"}"#) }
  }

  @Test func `bodies that are not JSON are 415`() async throws {
    let type = "application/x-www-form-urlencoded"
    let answer = try await ask("POST", "/v2/members", headers: [("Content-Type", type)], body: "x")
    #expect(answer.status == 415)
    #expect(answer.body == #"{"message":"Bad Content-Type \#(type), accept application/json"}"#)
  }

  @Test func `changes that cannot be made have etcd's statuses`() async throws {
    let cases: [(ClusterChangeError, Int, String)] = [
      (.peerURLExists, 409, "membership: peerURL exists"), (.idExists, 409, "membership: ID exists"),
      (.noSuchMember, 404, "No such member: 1234"),
      (.permanentlyRemoved, 410, "Member permanently removed: 1234"),
    ]
    for (error, status, message) in cases {
      cluster.facts.withLock { $0.changeError = error }
      let answer = try await ask("DELETE", "/v2/members/1234")
      #expect(answer.status == status)
      #expect(answer.body == #"{"message":"\#(message)"}"#)
    }
    cluster.facts.withLock { $0.changeError = .failed(reason: "too few would answer") }
    let failed = try await ask("DELETE", "/v2/members/1234")
    #expect(failed.status == 500)
    #expect(failed.body == #"{"message":"Internal Server Error","reason":"too few would answer"}"#)
    cluster.facts.withLock { $0.changeError = nil }
    let foo = try await ask("DELETE", "/v2/members/foo")
    #expect(foo.status == 404)
    #expect(foo.body == #"{"message":"No such member: foo"}"#)
  }

  @Test func `members are changed and removed by their hex id`() async throws {
    let put = try await ask(
      "PUT",
      "/v2/members/1234",
      headers: json,
      body: #"{"peerURLs":["http://127.0.0.1:9999"]}"#
    )
    #expect(put.status == 204)
    #expect(put["content-length"] == nil)
    #expect(try await ask("DELETE", "/v2/members/1234").status == 204)
    #expect(cluster.facts.withLock { $0.updated } == [0x1234: ["http://127.0.0.1:9999"]])
    #expect(cluster.facts.withLock { $0.removed } == [0x1234])
  }

  @Test func `methods that are not allowed are 405`() async throws {
    #expect(try await ask("PATCH", "/v2/members")["allow"] == "GET,POST,DELETE,PUT")
    let collection = try await ask("DELETE", "/v2/members")
    #expect(collection.status == 405)
    #expect(collection["allow"] == nil)
    #expect(try await ask("POST", "/version")["allow"] == "GET")
    #expect(try await ask("POST", "/health")["allow"] == "GET")
    #expect(try await ask("POST", "/v2/stats/self")["allow"] == "GET")
    #expect(try await ask("POST", "/v2/machines")["allow"] == "GET,HEAD")
  }

  @Test func `machines are the sorted client URLs`() async throws {
    let answer = try await ask("GET", "/v2/machines")
    #expect(answer["content-type"] == "text/plain; charset=utf-8")
    #expect(answer.body == "http://127.0.0.1:14000, http://127.0.0.1:14010")
  }

  @Test func `a member's statistics are those of etcd`() async throws {
    let answer = try await ask("GET", "/v2/stats/self")
    #expect(
      answer.body
        == #"{"name":"m1","id":"1273c4c5e190af94","state":"StateFollower","#
        + #""startTime":"2026-11-20T22:31:43.777053291Z","#
        + #""leaderInfo":{"leader":"26d059257a35c082","uptime":"4m26.878729293s","startTime":"2026-11-20T22:31:44Z"},"#
        + #""recvAppendRequestCnt":33,"recvPkgRate":2.5,"recvBandwidthRate":800,"sendAppendRequestCnt":0}"#
    )
  }

  @Test func `the leader's statistics are 403 elsewhere`() async throws {
    #expect(
      try await ask("GET", "/v2/stats/leader").body
        == #"{"leader":"26d059257a35c082","followers":{"1273c4c5e190af94":{"latency":{"current":0.5,"average":0,"#
        + #""standardDeviation":0,"minimum":0,"maximum":0},"counts":{"fail":0,"success":7}}}}"#
    )
    cluster.facts.withLock { $0.leads = false }
    let other = try await ask("GET", "/v2/stats/leader")
    #expect(other.status == 403)
    #expect(other.body == #"{"message":"not current leader"}"#)
  }

  @Test func `version and health`() async throws {
    #expect(try await ask("GET", "/version").body == #"{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}"#)
    let healthy = try await ask("GET", "/health")
    #expect(healthy.status == 200)
    #expect(healthy.body == #"{"health":"true"}"#)
    cluster.facts.withLock { $0.isHealthy = false }
    let ill = try await ask("GET", "/health")
    #expect(ill.status == 503)
    #expect(ill.body == #"{"health":"false"}"# + "\n")
  }

  @Test func `the store's routes answer 503 until the store is there`() async throws {
    let ports = APIPorts()
    let connection = try await TestConnection(ports)
    for path in ["/v2/keys/a", "/v2/members", "/health", "/discovery/new"] {
      let answer = try await connection.ask("GET", path)
      #expect(answer.status == 503)
      #expect(answer["content-type"] == "application/json")
    }
    #expect(try await connection.ask("GET", "/nothing").status == 404)
    ports.setStore(.member(MemoryKeys(), cluster))
    #expect(try await connection.ask("GET", "/v2/keys").status == 200)
  }

  @Test(arguments: [
    (0, "0s"), (7, "7ns"), (1_500, "1.5µs"), (2_000_000, "2ms"), (1_287_612_460, "1.28761246s"),
    (266_878_729_293, "4m26.878729293s"), (3_600_000_000_000, "1h0m0s"),
  ])
  func `durations are Go's`(nanoseconds: Int64, text: String) {
    #expect(GoDuration.text(ofNanoseconds: nanoseconds) == text)
  }
}
