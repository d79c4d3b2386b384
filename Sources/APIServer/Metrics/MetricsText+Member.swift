// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Meters

// Families that etcd has too, with etcd's words.
extension MetricsText {
  /// Raft and the server.
  mutating func writeServer(_ cluster: any ClusterAPI, _ metrics: MemberMetrics) {
    let status = cluster.status
    let version = cluster.clusterVersion.split(separator: ".").prefix(2).joined(separator: ".")
    begin(.gauge, "etcd_cluster_version", "Which version is running. 1 for 'cluster_version' label.")
    sample("etcd_cluster_version", ["cluster_version": version], 1)
    begin(.gauge, "etcd_server_version", "Which version is running. 1 for 'server_version' label with current version.")
    sample("etcd_server_version", ["server_version": cluster.serverVersion], 1)
    begin(.gauge, "etcd_server_id", "Server or member ID in hexadecimal format. 1 for 'server_id' label.")
    sample("etcd_server_id", ["server_id": String(cluster.memberID, radix: 16)], 1)
    gauge("etcd_server_has_leader", status.leaderID == nil ? 0 : 1, "Whether or not a leader exists. 1 is existence.")
    gauge("etcd_server_is_leader", status.role == .leader ? 1 : 0, "Whether or not this member is a leader.")
    count(
      "etcd_server_leader_changes_seen_total",
      metrics.leaderChangeCount,
      "The number of leader changes seen."
    )
    gauge(
      "etcd_server_proposals_committed_total",
      status.raftCommitIndex,
      "The total number of consensus proposals committed."
    )
    gauge(
      "etcd_server_proposals_applied_total",
      status.raftAppliedIndex,
      "The total number of consensus proposals applied."
    )
    gauge("etcd_server_proposals_pending", metrics.pendingRequestCount, "The current number of pending proposals.")
    gauge(
      "etcd_server_pending_proposal_total",
      metrics.pendingRequestCount,
      "The total number of pending proposals (etcd 2.3's name)."
    )
    let traffic = cluster.selfStatistics
    count("etcd_server_append_requests_sent_total", traffic.sent.requestCount, "Append requests sent to members.")
    count(
      "etcd_server_append_requests_received_total",
      traffic.received.requestCount,
      "Append requests received from the leader."
    )
  }

  /// The log: one commit is the log's fsync and the backend's commit in one.
  mutating func writeDisk(_ metrics: MemberMetrics, _ status: ClusterStatus) {
    let appends = metrics.durableAppends
    histogram(
      "etcd_disk_wal_fsync_duration_seconds",
      appends,
      "The latency distributions of durable appends to the log."
    )
    histogram(
      "etcd_wal_fsync_durations_seconds",
      appends,
      "The latency distributions of durable appends to the log (etcd 2.3's name)."
    )
    histogram(
      "etcd_disk_backend_commit_duration_seconds",
      appends,
      "The latency distributions of commits: log and backend are one database."
    )
    gauge("etcd_wal_last_index_saved", status.raftCommitIndex, "The index of the last entry saved by wal.")
    histogram(
      "etcd_snapshot_save_total_durations_seconds",
      metrics.snapshots,
      "The total latency distributions of save called by snapshot."
    )
    histogram(
      "etcd_debugging_snap_save_total_duration_seconds",
      metrics.snapshots,
      "The total latency distributions of save called by snapshot."
    )
    gauge(
      "etcd_mvcc_db_total_size_in_bytes",
      status.raftDatabaseBytes,
      "Total size of the underlying database physically allocated in bytes."
    )
    gauge(
      "etcd_debugging_mvcc_db_total_size_in_bytes",
      status.raftDatabaseBytes,
      "Total size of the underlying database physically allocated in bytes."
    )
  }

  /// The keyspace, under the prefix of 2.3 and that of 3.4.
  mutating func writeStore(_ metrics: MemberMetrics) {
    let store = metrics.store
    for prefix in ["etcd_store", "etcd_debugging_store"] {
      begin(
        .counter,
        "\(prefix)_reads_total",
        "Total number of reads action by (get/getRecursive), local to this member."
      )
      sample("\(prefix)_reads_total", ["action": "get"], Double(store.getsSuccess))
      begin(
        .counter,
        "\(prefix)_reads_failed_total",
        "Failed read actions by (get/getRecursive), local to this member."
      )
      sample("\(prefix)_reads_failed_total", ["action": "get"], Double(store.getsFail))
      begin(
        .counter,
        "\(prefix)_writes_total",
        "Total number of writes (e.g. set/compareAndDelete) seen by this member."
      )
      for (action, succeeded, _) in store.writes {
        sample("\(prefix)_writes_total", ["action": action], Double(succeeded))
      }
      begin(
        .counter,
        "\(prefix)_writes_failed_total",
        "Failed write actions (e.g. set/compareAndDelete), seen by this member."
      )
      for (action, _, failed) in store.writes {
        sample("\(prefix)_writes_failed_total", ["action": action], Double(failed))
      }
      count("\(prefix)_expires_total", store.expireCount, "Total number of expired keys.")
      count("\(prefix)_watch_requests_total", metrics.watchRequestCount, "Total number of incoming watch requests.")
      gauge("\(prefix)_watchers", metrics.watcherCount, "Count of currently active watchers.")
    }
  }

  /// Requests to `/v2/keys`.
  mutating func writeRequests(_ requests: RequestMetrics) {
    count("etcd_server_health_success", requests.health.successes.value, "The total number of successful health checks")
    count("etcd_server_health_failures", requests.health.failures.value, "The total number of failed health checks")
    let seen = requests.methods.filter { $0.received.value > 0 }
    begin(
      .counter,
      "etcd_http_received_total",
      "Counter of requests received into the system (successfully parsed and authd)."
    )
    for method in seen { sample("etcd_http_received_total", ["method": method.name], Double(method.received.value)) }
    writeFailures(
      "etcd_http_failed_total",
      requests,
      "Counter of handle failures of requests (non-watches), by method and code."
    )
    // 2.3 wrote the unit in the singular.
    for name in ["etcd_http_successful_duration_seconds", "etcd_http_successful_duration_second"] {
      begin(
        .histogram,
        name,
        "Bucketed histogram of processing time (s) of successfully handled requests (non-watches), by method."
      )
      for method in seen { samples(name, ["method": method.name], method.durations.reading) }
    }
    let writes = requests.methods.filter { ["PUT", "POST", "DELETE"].contains($0.name) }
    let failed = writes.reduce(0) { $0 + ($1.failures.last?.value ?? 0) }
    for name in ["etcd_server_proposals_failed_total", "etcd_server_proposal_failed_total"] {
      count(name, failed, "The total number of failed proposals seen: writes over HTTP that got no answer from Raft.")
    }
    let durations = writes.map(\.durations.reading).reduce(into: HistogramReading()) { $0.add($1) }
    histogram(
      "etcd_server_proposal_durations_seconds",
      durations,
      "The latency distributions of committing proposals: writes over HTTP, from their arrival to their answer."
    )
  }

  /// Requests that a worker sent on.
  mutating func writeProxy(_ proxied: ProxyMetrics) {
    let (drops, answers, used) = (proxied.drops, proxied.answers, proxied.used)
    if !drops.isEmpty {
      begin(.counter, "etcd_proxy_dropped_total", "Counter of requests dropped on the proxy.")
      for (labels, count) in drops {
        let pairs: Labels = ["method": labels.method.rawValue, "proxying_error": labels.text]
        sample("etcd_proxy_dropped_total", pairs, Double(count))
      }
    }
    if !answers.isEmpty {
      begin(.counter, "etcd_proxy_handled_total", "Counter of requests that members answered, by method and status.")
      for (labels, count) in answers {
        sample("etcd_proxy_handled_total", ["code": labels.text, "method": labels.method.rawValue], Double(count))
      }
    }
    guard !used.isEmpty else { return }
    let name = "etcd_proxy_handling_duration_seconds"
    begin(.histogram, name, "How long members' answers took, by method; watches are left out.")
    for (method, _, durations) in used where durations.count > 0 {
      samples(name, ["method": method.rawValue], durations)
    }
    begin(.counter, "etcd_proxy_requests_total", "Counter of requests that came, by method.")
    for (method, received, _) in used {
      sample("etcd_proxy_requests_total", ["method": method.rawValue], Double(received))
    }
  }

  private mutating func writeFailures(_ name: String, _ requests: RequestMetrics, _ help: String) {
    begin(.counter, name, help)
    for method in requests.methods {
      for (status, counter) in zip(RequestMetrics.failureStatuses, method.failures) where counter.value > 0 {
        sample(name, ["code": String(status), "method": method.name], Double(counter.value))
      }
    }
  }
}

extension StoreStatistics {
  /// Writes by action: how many succeeded and how many were refused.
  fileprivate var writes: [(action: String, succeeded: UInt64, failed: UInt64)] {
    [
      ("set", setsSuccess, setsFail), ("create", createSuccess, createFail), ("update", updateSuccess, updateFail),
      ("compareAndSwap", compareAndSwapSuccess, compareAndSwapFail), ("delete", deleteSuccess, deleteFail),
      ("compareAndDelete", compareAndDeleteSuccess, compareAndDeleteFail),
    ]
  }
}

extension HistogramReading {
  /// Adds the counts of a histogram with the same bounds.
  fileprivate mutating func add(_ other: HistogramReading) {
    if buckets.isEmpty {
      self = other
      return
    }
    for place in buckets.indices { buckets[place].cumulativeCount += other.buckets[place].cumulativeCount }
    count += other.count
    sumNanoseconds += other.sumNanoseconds
  }
}
