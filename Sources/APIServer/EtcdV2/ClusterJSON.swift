// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// The texts of members and statistics, with fields and order of etcd's structs.
///
/// Source: etcd v2.3.8 `etcdserver/stats`, `etcdserver/etcdhttp/httptypes`; specs/etcd-v2.md §12.
enum ClusterJSON {
  static func encode(_ member: ClusterMember) -> JSONValue {
    .fields([
      "id": .string(member.hexID), "name": .string(member.name), "peerURLs": .strings(member.peerURLs),
      "clientURLs": .strings(member.clientURLs),
    ])
  }

  /// All client URLs, sorted, as `/v2/machines` lists them.
  static func machines(_ members: [ClusterMember]) -> String {
    members.flatMap(\.clientURLs).sorted().joined(separator: ", ")
  }

  static func encode(_ statistics: SelfStatistics) -> JSONValue {
    let leader = statistics.leaderInfo
    var fields: [JSONValue.Field] = [
      .init("name", .string(statistics.name)),
      .init("id", .string(hex(statistics.id))),
      .init("state", .string(statistics.role.rawValue)),
      .init("startTime", .string(statistics.startTime.rfc3339)),
      .init(
        "leaderInfo",
        .fields([
          "leader": .string(leader.leaderID.map(hex) ?? ""),
          "uptime": .string(GoDuration.text(ofNanoseconds: leader.uptimeNanoseconds)),
          "startTime": .string(leader.startTime.rfc3339),
        ])
      ),
    ]
    append(statistics.received, prefix: "recv", to: &fields)
    append(statistics.sent, prefix: "send", to: &fields)
    return .object(fields)
  }

  static func encode(_ statistics: LeaderStatistics) -> JSONValue {
    let followers = statistics.followers.map { follower in
      JSONValue.Field(
        hex(follower.id),
        .fields([
          "latency": .fields([
            "current": number(follower.currentMilliseconds), "average": number(follower.averageMilliseconds),
            "standardDeviation": number(follower.standardDeviationMilliseconds),
            "minimum": number(follower.minimumMilliseconds), "maximum": number(follower.maximumMilliseconds),
          ]),
          "counts": .fields([
            "fail": .unsigned(follower.failCount), "success": .unsigned(follower.successCount),
          ]),
        ])
      )
    }
    return .fields(["leader": .string(hex(statistics.leaderID)), "followers": .object(followers)])
  }

  /// What `/v2/stats/store` answers.
  static func encode(store metrics: MemberMetrics) -> JSONValue {
    let store = metrics.store
    let counters: KeyValuePairs<String, UInt64> = [
      "getsSuccess": store.getsSuccess, "getsFail": store.getsFail,
      "setsSuccess": store.setsSuccess, "setsFail": store.setsFail,
      "deleteSuccess": store.deleteSuccess, "deleteFail": store.deleteFail,
      "updateSuccess": store.updateSuccess, "updateFail": store.updateFail,
      "createSuccess": store.createSuccess, "createFail": store.createFail,
      "compareAndSwapSuccess": store.compareAndSwapSuccess, "compareAndSwapFail": store.compareAndSwapFail,
      "compareAndDeleteSuccess": store.compareAndDeleteSuccess, "compareAndDeleteFail": store.compareAndDeleteFail,
      "expireCount": store.expireCount, "watchers": UInt64(metrics.watcherCount),
    ]
    return .object(counters.map { JSONValue.Field($0.key, .unsigned($0.value)) })
  }

  private static func append(_ traffic: AppendTraffic, prefix: String, to fields: inout [JSONValue.Field]) {
    fields.append(.init("\(prefix)AppendRequestCnt", .unsigned(traffic.requestCount)))
    if traffic.packageRatePerSecond != 0 {
      fields.append(.init("\(prefix)PkgRate", number(traffic.packageRatePerSecond)))
    }
    if traffic.bytesPerSecond != 0 {
      fields.append(.init("\(prefix)BandwidthRate", number(traffic.bytesPerSecond)))
    }
  }

  private static func hex(_ id: UInt64) -> String { String(id, radix: 16) }

  /// A number as JSON has it; what is no number counts as 0.
  private static func number(_ value: Double) -> JSONValue {
    guard value.isFinite else { return 0 }
    return Int64(exactly: value).map { .integer($0) } ?? .number("\(value)")
  }
}
