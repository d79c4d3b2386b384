// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire

/// The commands on members, which any node takes: workers forward them.
extension ClusterSession {
  /// Lists the members.
  func listMembers(_ format: OutputFormat) async -> Int32 {
    await telling { () async throws(APIClientError) in
      let members = try await clients.etcd.members()
      let leader = try await clients.etcd.leader()
      output.write(MemberListing.text(members, leaderID: leader?.id, format))
    }
  }

  /// Adds a member and tells what its machine needs.
  func addMember(_ name: String, _ peerURLs: [String], _ format: OutputFormat) async -> Int32 {
    await telling { () async throws(APIClientError) in
      let isPlain = name.unicodeScalars.allSatisfy { $0.value > 32 && $0.value != 127 && $0 != "=" && $0 != "," }
      guard isPlain, !name.isEmpty else {
        throw APIClientError(.badEndpoint, "the name \"\(name)\" must not be empty nor hold blanks, \"=\" or \",\"")
      }
      let peerURLs = try PeerURLs.checked(peerURLs)
      guard !(try await clients.etcd.members()).contains(where: { $0.name == name }) else {
        throw APIClientError(.refused(status: 409), "there is a member \(name) already; give the new one another name")
      }
      let added = try await clients.etcd.addMember(peerURLs: peerURLs)
      let members = try await clients.etcd.members()
      output.write(AddedMemberText.text(name, added, members, format))
    }
  }

  /// Removes a member, given by id or name.
  func removeMember(_ member: String) async -> Int32 {
    await telling { () async throws(APIClientError) in
      let found = try await find(member)
      try await clients.etcd.removeMember(id: found.hexID)
      output.line("Removed member \(found.hexID)\(found.name.isEmpty ? "" : " (\(found.name))")")
    }
  }

  /// Gives a member, given by id or name, other peer URLs.
  func updateMember(_ member: String, _ peerURLs: [String]) async -> Int32 {
    await telling { () async throws(APIClientError) in
      let found = try await find(member)
      let peerURLs = try PeerURLs.checked(peerURLs)
      try await clients.etcd.updateMember(id: found.hexID, peerURLs: peerURLs)
      output.line("Member \(found.hexID) has peer URLs \(peerURLs.joined(separator: ","))")
    }
  }

  private func find(_ text: String) async throws(APIClientError) -> ClusterMember {
    let members = try await clients.etcd.members()
    if let member = members.first(where: { $0.hexID == text.lowercased() }) { return member }
    let named = members.filter { $0.name == text && !text.isEmpty }
    switch named.count {
    case 1: return named[0]
    case 0: throw APIClientError(.refused(status: 404), "there is no member with the id or name \(text)")
    default:
      let ids = named.map(\.hexID).joined(separator: ", ")
      throw APIClientError(.refused(status: 409), "several members are named \(text); give the id: \(ids)")
    }
  }

  /// Carries something out and tells why it failed.
  func telling(_ body: () async throws(APIClientError) -> Void) async -> Int32 {
    do throws(APIClientError) {
      try await body()
      return KeyValueExit.done
    } catch {
      output.reportFailure(error.message)
      return 1
    }
  }
}

/// The members as a listing.
enum MemberListing {
  static func text(_ members: [ClusterMember], leaderID: UInt64?, _ format: OutputFormat) -> String {
    switch format {
    case .json:
      let objects = members.map { member -> JSONValue in
        [
          "id": .string(member.hexID), "name": .string(member.name), "peerURLs": .strings(member.peerURLs),
          "clientURLs": .strings(member.clientURLs), "isStarted": .bool(!member.name.isEmpty),
          "isLeader": .bool(member.id == leaderID),
        ]
      }
      return JSONValue.array(objects).text + "\n"
    case .table:
      let rows = members.map { member in
        [
          member.hexID, member.name.isEmpty ? "-" : member.name, role(member, leaderID),
          member.peerURLs.joined(separator: ","),
          member.clientURLs.isEmpty ? "-" : member.clientURLs.joined(separator: ","),
        ]
      }
      return TabTable.text([["MEMBER", "NAME", "STATUS", "PEER URLS", "CLIENT URLS"]] + rows)
    }
  }

  private static func role(_ member: ClusterMember, _ leaderID: UInt64?) -> String {
    member.name.isEmpty ? "unstarted" : member.id == leaderID ? "leader" : "started"
  }
}

/// What the machine of a new member needs to know.
enum AddedMemberText {
  static func text(
    _ name: String,
    _ added: ClusterMember,
    _ members: [ClusterMember],
    _ format: OutputFormat
  ) -> String {
    let cluster = ClusterReport.initialCluster(members, naming: added.id, name)
    let peerURLs = added.peerURLs.joined(separator: ",")
    switch format {
    case .json:
      let object: JSONValue = [
        "id": .string(added.hexID), "name": .string(name), "peerURLs": .strings(added.peerURLs),
        "initialCluster": .string(cluster), "initialClusterState": "existing",
      ]
      return object.text + "\n"
    case .table:
      return """
        Added member \(name) with id \(added.hexID). Its machine joins with this in its cloud-config:

        coreos:
          etcd2:
            name: \(name)
            initial-advertise-peer-urls: \(peerURLs)
            initial-cluster: \(cluster)
            initial-cluster-state: existing

        The same for etcd itself:

        ETCD_NAME=\(GoQuoting.quoted(name))
        ETCD_INITIAL_CLUSTER=\(GoQuoting.quoted(cluster))
        ETCD_INITIAL_CLUSTER_STATE="existing"

        """
    }
  }
}
