// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// What etcdctl prints about a cluster's members.
enum ClusterReport {
  /// The line of a member in `member list`.
  static func line(for member: ClusterMember, leaderID: UInt64?) -> String {
    let peers = member.peerURLs.joined(separator: ",")
    if member.name.isEmpty { return "\(member.hexID)[unstarted]: peerURLs=\(peers)" }
    let clients = member.clientURLs.joined(separator: ",")
    let isLeader = member.id == leaderID
    return "\(member.hexID): name=\(member.name) peerURLs=\(peers) clientURLs=\(clients) isLeader=\(isLeader)"
  }

  /// What a member that joins takes for `initial-cluster`: every peer URL with the name of its member.
  ///
  /// - Parameters:
  ///   - members: All members, the new one among them.
  ///   - id: The new member, which has not told its name yet.
  ///   - name: Its name.
  /// - Returns: `name=url,name=url`.
  static func initialCluster(_ members: [ClusterMember], naming id: UInt64, _ name: String) -> String {
    members.flatMap { member in
      member.peerURLs.map { "\(member.id == id ? name : member.name)=\($0)" }
    }
    .joined(separator: ",")
  }

  /// The lines of a member in `cluster-health`, asking its addresses in turn until one answers.
  static func checkHealth(
    of member: ClusterMember,
    _ ask: (String) async -> Result<Bool, HealthCheckFailure>
  ) async -> (lines: [String], isHealthy: Bool) {
    if member.clientURLs.isEmpty {
      return (["member \(member.hexID) is unreachable: no available published client urls"], false)
    }
    var lines: [String] = []
    for url in member.clientURLs {
      switch await ask(url) {
      case .success(true):
        lines.append("member \(member.hexID) is healthy: got healthy result from \(url)")
        return (lines, true)
      case .success(false):
        lines.append("member \(member.hexID) is unhealthy: got unhealthy result from \(url)")
        return (lines, false)
      case .failure(let failure):
        lines.append("failed to check the health of member \(member.hexID) on \(url): \(failure.reason)")
      }
    }
    let urls = member.clientURLs.joined(separator: " ")
    lines.append("member \(member.hexID) is unreachable: [\(urls)] are all unreachable")
    return (lines, false)
  }
}

/// Why a member's health could not be asked for.
struct HealthCheckFailure: Error, Equatable {
  var reason: String
}
