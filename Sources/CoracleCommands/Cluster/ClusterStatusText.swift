// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire

/// Where a node and its cluster stand, as text.
enum ClusterStatusText {
  /// - Parameters:
  ///   - status: The node that was asked.
  ///   - members: All members, if they could be listed.
  ///   - format: The form.
  ///   - figures: Where the members stand that could be asked, by id.
  /// - Returns: The text, with its last line feed.
  static func text(
    _ status: NodeStatus,
    _ members: [ClusterMember],
    _ format: OutputFormat,
    figures: [UInt64: NodeStatus.Member] = [:]
  ) -> String {
    switch format {
    case .json: json(status, members, figures).text + "\n"
    case .table: lines(status, members, figures).map { $0 + "\n" }.joined()
    }
  }

  private static func lines(
    _ status: NodeStatus,
    _ members: [ClusterMember],
    _ figures: [UInt64: NodeStatus.Member]
  ) -> [String] {
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
    let hasDigests = figures.values.contains { $0.digest != nil }
    var header = ["MEMBER", "NAME", "ROLE", "TERM", "APPLIED", "COMMITTED", "ETCD INDEX", "DB BYTES"]
    if hasDigests { header.append("DIGEST") }
    var rows = [header + ["CLIENT URLS"]]
    for member in members {
      var row = [member.hexID, member.name.isEmpty ? "-" : member.name]
      if let figures = figures[member.id] {
        row.append(figures.isVoter ? roleText(figures.role) : "learner")
        row += [
          figures.raftTerm, figures.raftAppliedIndex, figures.raftCommitIndex, figures.etcdIndex,
          figures.raftDatabaseBytes,
        ].map(String.init)
      } else {
        row.append(member.clientURLs.isEmpty ? "unstarted" : "unreachable")
        row += ["-", "-", "-", "-", "-"]
      }
      if hasDigests { row.append(figures[member.id]?.digest?.hash ?? "-") }
      rows.append(row + [member.clientURLs.isEmpty ? "-" : member.clientURLs.joined(separator: ",")])
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

  private static func json(
    _ status: NodeStatus,
    _ members: [ClusterMember],
    _ figures: [UInt64: NodeStatus.Member]
  ) -> JSONValue {
    let memberList = members.map { member -> JSONValue in
      var fields: [JSONValue.Field] = [
        .init("id", .string(member.hexID)), .init("name", .string(member.name)),
        .init("peerURLs", .strings(member.peerURLs)), .init("clientURLs", .strings(member.clientURLs)),
      ]
      if let figures = figures[member.id] { fields += self.fields(figures) }
      return .object(fields)
    }
    switch status {
    case .worker(let endpoints, _):
      return ["role": "worker", "endpoints": .strings(endpoints), "members": .array(memberList)]
    case .member(let member):
      let identity: [JSONValue.Field] = [
        .init("memberID", .string(member.memberID)), .init("clusterID", .string(member.clusterID)),
      ]
      return .object(identity + fields(member) + [.init("members", .array(memberList))])
    }
  }

  private static func fields(_ member: NodeStatus.Member) -> [JSONValue.Field] {
    let fields: [JSONValue.Field] = [
      .init("role", .string(roleText(member.role))), .init("leaderID", member.leaderID.map { .string($0) } ?? .null),
      .init("raftTerm", .unsigned(member.raftTerm)), .init("raftCommitIndex", .unsigned(member.raftCommitIndex)),
      .init("raftAppliedIndex", .unsigned(member.raftAppliedIndex)), .init("etcdIndex", .unsigned(member.etcdIndex)),
      .init("raftDatabaseBytes", .unsigned(member.raftDatabaseBytes)),
    ]
    return fields + (member.digest.map { [.init("digest", .string($0.hash))] } ?? [])
  }
}
