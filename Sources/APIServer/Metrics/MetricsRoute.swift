// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import FleetWire
import NIOCore
import NIOHTTP1
import NIOPosix

/// `/metrics`: the names that dashboards of etcd 2.3 and 3.4 and of fleet use, and coracle's own.
///
/// Where one of our numbers stands for several of etcd's, all of them are there: a commit of SQLite is both the fsync
/// of the log and the commit of the backend. Names of etcd's v3 keyspace, gRPC and garbage collector are not served.
/// Source: specs/etcd-v2.md §12; etcd v2.3.8 and v3.4 `metrics.go` of each package.
struct MetricsRoute: HTTPRoute {
  let store: StorePort
  let engine: (@Sendable () -> EngineMetrics)?
  let requests: RequestMetrics
  let proxied: ProxyMetrics
  let cors: CORSHeaders

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    exchange.respond {
      // Files of /proc are read, which no event loop should do.
      let text = try? await NIOThreadPool.singleton.runIfActive { self.text() }
      var headers: HTTPHeaders = ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"]
      headers.add(contentsOf: cors.headers)
      return HTTPResponse(.ok, headers: headers, body: ByteBuffer(string: text ?? ""))
    }
  }

  private func text() -> String {
    var metrics = MetricsText()
    switch store {
    case .starting: break
    case .worker: metrics.writeProxy(proxied)
    case .member(_, let cluster, _):
      let counted = cluster.metrics
      metrics.writeServer(cluster, counted)
      metrics.writeDisk(counted, cluster.status)
      metrics.writeStore(counted)
      metrics.writeRequests(requests)
      metrics.writeOwn(counted, cluster.status)
    }
    if let engine { metrics.writeEngine(engine()) }
    metrics.writeProcess(ProcessFacts())
    return metrics.text
  }
}

extension MetricsText {
  /// The engine, in fleet's words.
  fileprivate mutating func writeEngine(_ counted: EngineMetrics) {
    gauge(
      "fleet_engine_leader_start_time",
      counted.leaderSinceSeconds ?? 0,
      "Since when this machine's engine leads, in seconds since the epoch; 0 when it does not."
    )
    let tasks = [("unscheduleunit", counted.unschedulings), ("attemptscheduleunit", counted.schedulings)]
    begin(.counter, "fleet_engine_task_count_total", "Tasks of the engine.")
    for (type, attempts) in tasks {
      sample("fleet_engine_task_count_total", ["type": type], Double(attempts.all))
    }
    begin(.counter, "fleet_engine_task_failure_count_total", "Tasks of the engine that failed.")
    for (type, attempts) in tasks {
      sample("fleet_engine_task_failure_count_total", ["type": type], Double(attempts.failed))
    }
    count("fleet_engine_reconcile_count_total", counted.passes, "Passes of the engine.")
    begin(.counter, "fleet_engine_reconcile_failure_count_total", "Units that the engine found out of place.")
    let found = [
      ("machine_away", counted.lostMachines), ("run", counted.unableMachines), ("schedule", counted.unplaced),
    ]
    for (type, count) in found {
      sample("fleet_engine_reconcile_failure_count_total", ["type": type], Double(count))
    }
  }

  /// The process, in the words of Prometheus' client libraries.
  fileprivate mutating func writeProcess(_ facts: ProcessFacts) {
    write(
      .counter,
      "process_cpu_seconds_total",
      facts.cpuSeconds,
      "Total user and system CPU time spent in seconds."
    )
    gauge("process_max_fds", facts.maximumFiles, "Maximum number of open file descriptors.")
    gauge("process_open_fds", facts.openFiles, "Number of open file descriptors.")
    gauge("process_resident_memory_bytes", facts.residentBytes, "Resident memory size in bytes.")
    write(
      .gauge,
      "process_start_time_seconds",
      facts.startSeconds,
      "Start time of the process since unix epoch in seconds."
    )
    gauge("process_virtual_memory_bytes", facts.virtualBytes, "Virtual memory size in bytes.")
    gauge("os_fd_used", facts.openFiles, "The number of used file descriptors.")
    gauge("os_fd_limit", facts.maximumFiles, "The file descriptor limit.")
    gauge(
      "etcd_server_file_descriptors_used_total",
      facts.openFiles,
      "The number of used file descriptors (etcd 2.3's name)."
    )
    gauge("go_threads", facts.threadCount, "Number of OS threads (there is no Go here).")
    for name in ["go_memstats_alloc_bytes", "go_memstats_heap_inuse_bytes"] {
      gauge(name, facts.anonymousBytes, "Resident bytes of heap and stacks (there is no Go here).")
    }
    gauge("go_memstats_sys_bytes", facts.dataBytes, "Bytes of addresses of heap and stacks (there is no Go here).")
  }

  /// What is coracle's own.
  fileprivate mutating func writeOwn(_ metrics: MemberMetrics, _ status: ClusterStatus) {
    gauge("coracle_store_nodes", metrics.nodeCount, "Nodes of the keyspace, the root included.")
    gauge("coracle_store_watchers", metrics.watcherCount, "Watchers that wait.")
    write(.gauge, "coracle_store_etcd_index", Double(status.etcdIndex.rawValue), "The store's index.")
    gauge("coracle_raft_database_bytes", status.raftDatabaseBytes, "Size of log, snapshots and their write-ahead log.")
    gauge("coracle_raft_term", status.raftTerm, "The Raft term.")
    gauge("coracle_raft_commit_index", status.raftCommitIndex, "The highest log index known to be committed.")
    gauge("coracle_raft_applied_index", status.raftAppliedIndex, "The highest log index applied to the store.")
    gauge("coracle_inbox_depth", metrics.inboxDepth, "Requests and messages that wait for the replica's thread.")
    count(
      "coracle_requests_refused_total",
      metrics.refusedRequestCount,
      "Requests that were refused because too many waited."
    )
    histogram("coracle_snapshot_duration_seconds", metrics.snapshots, "How long snapshots took to be written.")
  }
}
