// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import FleetWire
import Logging
import Meters
import StoreTestKit
import Synchronization
import Testing

@testable import APIServer

/// `/metrics`, `/debug/vars`, `/debug/pprof`, `/config/local/log`, `/v2/stats/store` and the headers for other origins.
@Suite struct MetricsRouteTests {
  private let ports = APIPorts()
  private let cluster = MemoryCluster()

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

  /// The samples of an answer by their name with labels.
  private func samples(_ text: String) -> [String: String] {
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    return Dictionary(
      lines.map { line in
        let end = line.lastIndex(of: " ") ?? line.endIndex
        return (String(line[..<end]), String(line[end...].dropFirst()))
      }
    ) { $1 }
  }

  @Test func `metrics have the names of etcd's dashboards and values that were counted`() async throws {
    let durable = Histogram.disk()
    durable.observe(nanoseconds: 1_500_000)
    cluster.facts.withLock { facts in
      facts.metrics.store.setsSuccess = 7
      facts.metrics.store.compareAndSwapFail = 2
      facts.metrics.watcherCount = 3
      facts.metrics.nodeCount = 11
      facts.metrics.leaderChangeCount = 4
      facts.metrics.pendingRequestCount = 5
      facts.metrics.inboxDepth = 6
      facts.metrics.refusedRequestCount = 9
      facts.metrics.durableAppends = durable.reading
    }
    #expect(try await ask("PUT", "/v2/keys/a?value=1").status == 201)
    #expect(try await ask("GET", "/v2/keys/none").status == 404)
    #expect(try await ask("GET", "/health").status == 200)
    let answer = try await ask("GET", "/metrics")
    #expect(answer["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    let found = samples(answer.body)
    let wanted = [
      #"etcd_cluster_version{cluster_version="2.3"}"#: "1", #"etcd_server_version{server_version="2.3.8"}"#: "1",
      #"etcd_server_id{server_id="1273c4c5e190af94"}"#: "1", "etcd_server_has_leader": "1",
      "etcd_server_is_leader": "0",
      "etcd_server_leader_changes_seen_total": "4", "etcd_server_proposals_committed_total": "20",
      "etcd_server_proposals_applied_total": "19", "etcd_server_proposals_pending": "5",
      "etcd_server_proposals_failed_total": "0", "etcd_server_health_success": "1",
      #"etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"}"#: "0",
      #"etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"}"#: "1",
      #"etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"}"#: "1",
      "etcd_disk_wal_fsync_duration_seconds_count": "1", "etcd_disk_wal_fsync_duration_seconds_sum": "0.0015",
      "etcd_wal_fsync_durations_seconds_count": "1", "etcd_disk_backend_commit_duration_seconds_count": "1",
      #"etcd_store_writes_total{action="set"}"#: "7", #"etcd_debugging_store_writes_total{action="set"}"#: "7",
      #"etcd_store_writes_failed_total{action="compareAndSwap"}"#: "2", "etcd_store_watchers": "3",
      #"etcd_http_received_total{method="PUT"}"#: "1", #"etcd_http_failed_total{code="404",method="GET"}"#: "1",
      #"etcd_http_successful_duration_seconds_count{method="PUT"}"#: "1",
      #"etcd_http_successful_duration_second_count{method="PUT"}"#: "1", "etcd_mvcc_db_total_size_in_bytes": "4096",
      "coracle_store_nodes": "11", "coracle_inbox_depth": "6", "coracle_requests_refused_total": "9",
    ]
    for (name, value) in wanted { #expect(found[name] == value, "\(name)") }
    for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds", "go_threads"] {
      #expect((found[name].flatMap(Double.init) ?? 0) > 0, "\(name)")
    }
  }

  @Test func `an engine is told of by fleet's names`() async throws {
    #expect(try await !ask("GET", "/metrics").body.contains("fleet_engine"))
    var counted = EngineMetrics()
    counted.leaderSinceSeconds = 1_700_000_000
    counted.passes = 3
    counted.schedulings.count(isFailed: false)
    counted.unschedulings.count(isFailed: true)
    counted.lostMachines = 4
    counted.unplaced = 5
    ports.setEngineMetrics { [counted] in counted }
    let found = samples(try await ask("GET", "/metrics").body)
    let wanted = [
      "fleet_engine_leader_start_time": "1700000000", "fleet_engine_reconcile_count_total": "3",
      #"fleet_engine_task_count_total{type="attemptscheduleunit"}"#: "1",
      #"fleet_engine_task_count_total{type="unscheduleunit"}"#: "1",
      #"fleet_engine_task_failure_count_total{type="attemptscheduleunit"}"#: "0",
      #"fleet_engine_task_failure_count_total{type="unscheduleunit"}"#: "1",
      #"fleet_engine_reconcile_failure_count_total{type="machine_away"}"#: "4",
      #"fleet_engine_reconcile_failure_count_total{type="run"}"#: "0",
      #"fleet_engine_reconcile_failure_count_total{type="schedule"}"#: "5",
    ]
    for (name, value) in wanted { #expect(found[name] == value, "\(name)") }
  }

  @Test func `every family has its help, its type and no sample twice`() async throws {
    _ = try await ask("GET", "/v2/keys")
    let lines = try await ask("GET", "/metrics").body.split(separator: "\n")
    let names = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
    #expect(Set(names).count == names.count)
    #expect(lines.count { $0.hasPrefix("# HELP ") } == names.count)
    let identities = lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != " " } }
    #expect(Set(identities).count == identities.count)
  }

  @Test func `a worker and a node that starts have metrics of their process`() async throws {
    let starting = try await TestConnection(APIPorts()).ask("GET", "/metrics")
    #expect(starting.status == 200)
    #expect(samples(starting.body)["process_open_fds"] != nil)
    #expect(!starting.body.contains("etcd_server_has_leader"))
  }

  @Test func `the store's statistics have etcd's fields in etcd's order`() async throws {
    cluster.facts.withLock { $0.metrics.store.getsFail = 3 }
    let answer = try await ask("GET", "/v2/stats/store")
    #expect(
      answer.body
        == #"{"getsSuccess":0,"getsFail":3,"setsSuccess":0,"setsFail":0,"deleteSuccess":0,"deleteFail":0,"#
        + #""updateSuccess":0,"updateFail":0,"createSuccess":0,"createFail":0,"compareAndSwapSuccess":0,"#
        + #""compareAndSwapFail":0,"compareAndDeleteSuccess":0,"compareAndDeleteFail":0,"expireCount":0,"watchers":0}"#
    )
    let refused = try await ask("POST", "/v2/stats/store")
    #expect(refused.status == 405)
    #expect(refused["allow"] == "GET")
  }

  @Test func `the variables of a process are one JSON object`() async throws {
    let answer = try await ask("GET", "/debug/vars")
    #expect(answer["content-type"] == "application/json; charset=utf-8")
    let variables = try JSONValue.parse(answer.body.utf8)
    #expect(variables["cmdline"]?.strings?.isEmpty == false)
    #expect(variables["raft.status"]?["raftState"]?.string == "StateFollower")
    #expect(variables["memstats"]?["Alloc"]?.int ?? 0 > 0)
    #expect(try await ask("POST", "/debug/vars").status == 405)
  }

  @Test func `profiles are served only when asked for, and say what there is`() async throws {
    #expect(try await ask("GET", "/debug/pprof").status == 404)
    ports.setServesProfiles(true)
    #expect(try await ask("GET", "/debug/pprof/").status == 200)
    #expect(try await ask("GET", "/debug/pprof/cmdline").body.isEmpty == false)
    let heap = try await ask("GET", "/debug/pprof/heap")
    #expect(heap.status == 501)
    #expect(heap.body.contains("perf record"))
  }

  @Test(arguments: [
    (#"{"Level":"DEBUG"}"#, 204, Logger.Level.debug), (#"{"level":"w"}"#, 204, .warning),
    (#"{"Level":"BOGUS"}"#, 400, nil), ("x", 400, nil), ("{}", 400, nil), (#"{"Level":5}"#, 400, nil),
  ])
  func `the log level is changed, or refused in etcd's words`(body: String, status: Int, level: Logger.Level?)
    async throws
  {
    let levels = Levels()
    ports.setLogLevelControl { levels.append($0) }
    let answer = try await ask("PUT", "/config/local/log", body: body)
    #expect(answer.status == status)
    #expect(levels.all == (level.map { [$0] } ?? []))
    if body.contains("BOGUS") { #expect(answer.body == #"{"message":"Invalid log level BOGUS"}"#) }
    if body == "x" { #expect(answer.body == #"{"message":"Invalid json body"}"#) }
  }

  private final class Levels: Sendable {
    private let list = Mutex<[Logger.Level]>([])
    var all: [Logger.Level] { list.withLock { $0 } }
    func append(_ level: Logger.Level) { list.withLock { $0.append(level) } }
  }

  @Test func `only PUT changes the log level`() async throws {
    let answer = try await ask("GET", "/config/local/log")
    #expect(answer.status == 405)
    #expect(answer["allow"] == "PUT")
  }

  @Test(arguments: [
    "/v2/keys/a", "/v2/members", "/v2/machines", "/version", "/health", "/metrics", "/nothing", "/v2//keys",
    "/v2/stats/store", "/v2/stats/leader", "/debug/vars", "/config/local/log", "/debug/pprof",
  ])
  func `an origin that is listed gets its headers on every answer`(path: String) async throws {
    ports.setCORSOrigins(["http://a.example"])
    let listed = try await ask("GET", path, headers: [("Origin", "http://a.example")])
    #expect(listed["access-control-allow-origin"] == "http://a.example")
    #expect(listed["access-control-allow-methods"] == "POST, GET, OPTIONS, PUT, DELETE")
    #expect(listed["access-control-allow-headers"] == "accept, content-type, authorization")
    let other = try await ask("GET", path, headers: [("Origin", "http://b.example")])
    #expect(other["access-control-allow-origin"] == nil)
    #expect(other.status == listed.status)
    ports.setCORSOrigins(["*"])
    #expect(try await ask("GET", path)["access-control-allow-origin"] == "*")
    let options = try await ask("OPTIONS", path, headers: [("Origin", "http://b.example")])
    #expect(options.status == 200)
    #expect(options.body == "")
    #expect(options["access-control-allow-origin"] == "*")
  }
}
