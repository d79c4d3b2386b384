// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire

/// Where a node and its cluster stand, as text.
enum ClusterStatusText {
  static func text(_ status: NodeStatus, _ members: [ClusterMember], _ format: OutputFormat) -> String {
    switch format {
    case .json: json(status, members).text + "\n"
    case .table: lines(status, members).map { $0 + "\n" }.joined()
    }
  }

  private static func lines(_ status: NodeStatus, _ members: [ClusterMember]) -> [String] {
    var lines: [String] = []
    switch status {
    case .worker(let endpoints, _):
      lines.append("Role:       worker")
      lines.append("Endpoints:  \(endpoints.joined(separator: " "))")
    case .member(let member):
      lines.append("Role:       \(roleText(member.role))")
      lines.append("Member:     \(member.memberID)")
      lines.append("Cluster:    \(member.clusterID)")
      if !member.isVoter { lines.append("Vote:       not before it has caught up") }
      lines.append("Leader:     \(leaderText(member.leaderID, members))")
      lines.append("Term:       \(member.raftTerm)")
      lines.append("Raft index: \(member.raftAppliedIndex) applied, \(member.raftCommitIndex) committed")
      lines.append("Etcd index: \(member.etcdIndex)")
      lines.append("Database:   \(member.raftDatabaseBytes) bytes")
      if let digest = member.digest {
        lines.append("Digest:     \(digest.hash) at etcd index \(digest.etcdIndex)")
      }
    }
    guard !members.isEmpty else { return lines }
    var rows = [["MEMBER", "NAME", "PEER URLS", "CLIENT URLS"]]
    for member in members {
      rows.append([
        member.hexID, member.name.isEmpty ? "-" : member.name, member.peerURLs.joined(separator: ","),
        member.clientURLs.isEmpty ? "-" : member.clientURLs.joined(separator: ","),
      ])
    }
    let table = TabTable.text(rows).split(separator: "\n").map(String.init)
    return lines + [""] + table
  }

  /// `StateLeader` of the API in plain words.
  private static func roleText(_ role: MemberRole?) -> String {
    guard let text = role?.rawValue else { return "unknown" }
    return (text.hasPrefix("State") ? String(text.dropFirst("State".count)) : text).lowercased()
  }

  private static func leaderText(_ id: String?, _ members: [ClusterMember]) -> String {
    guard let id else { return "none (an election is going on)" }
    let name = members.first { $0.hexID == id }?.name ?? ""
    return name.isEmpty ? id : "\(id) (\(name))"
  }

  private static func json(_ status: NodeStatus, _ members: [ClusterMember]) -> JSONValue {
    let memberList = members.map { member -> JSONValue in
      [
        "id": .string(member.hexID), "name": .string(member.name), "peerURLs": .strings(member.peerURLs),
        "clientURLs": .strings(member.clientURLs),
      ]
    }
    switch status {
    case .worker(let endpoints, _):
      return ["role": "worker", "endpoints": .strings(endpoints), "members": .array(memberList)]
    case .member(let member):
      var fields: [JSONValue.Field] = [
        .init("role", .string(roleText(member.role))), .init("memberID", .string(member.memberID)),
        .init("clusterID", .string(member.clusterID)), .init("leaderID", member.leaderID.map { .string($0) } ?? .null),
        .init("raftTerm", .unsigned(member.raftTerm)), .init("raftCommitIndex", .unsigned(member.raftCommitIndex)),
        .init("raftAppliedIndex", .unsigned(member.raftAppliedIndex)), .init("etcdIndex", .unsigned(member.etcdIndex)),
        .init("raftDatabaseBytes", .unsigned(member.raftDatabaseBytes)), .init("members", .array(memberList)),
      ]
      if let digest = member.digest { fields.append(.init("digest", .string(digest.hash))) }
      return .object(fields)
    }
  }
}
