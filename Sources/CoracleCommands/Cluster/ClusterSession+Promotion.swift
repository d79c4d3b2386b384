// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire
import FleetWire

/// A worker that becomes a member: it is added with the peer URLs that it would have, and finds its place by them.
extension ClusterSession {
  /// Makes a machine's worker a member and waits until it votes.
  ///
  /// - Parameters:
  ///   - machine: The machine's id or its beginning; nil for the one that is asked.
  ///   - limit: How long to wait for its vote.
  /// - Returns: 0 when it votes, else 1.
  func promote(_ machine: String?, waiting limit: Duration) async -> Int32 {
    do {
      let node = try await node(of: machine)
      let peerURLs: [String]
      switch try await node.nodeStatus() {
      case .member(let member):
        output.errorLine("Error:  the machine is member \(member.memberID) already")
        return 1
      case .worker(_, let urls): peerURLs = urls
      }
      guard !peerURLs.isEmpty else {
        output.errorLine(
          "Error:  others could not reach the machine as a member; set initial-advertise-peer-urls and listen-peer-urls "
            + "in its cloud-config and start it again"
        )
        return 1
      }
      let id = try await place(with: peerURLs)
      try await node.lookForMembership()
      return await awaitVote(of: id, at: node, within: limit)
    } catch let error as APIClientError {
      output.errorLine("Error:  \(error.message)")
    } catch {
      output.errorLine("Error:  \((error as? FleetAPIError)?.message ?? "\(error)")")
    }
    return 1
  }

  /// The node of a machine: the one that is asked, or the one that the fleet knows by that id.
  private func node(of machine: String?) async throws -> NodeClient {
    guard let machine else { return clients.node }
    let found = try await clients.fleet.machines().filter { $0.id.hasPrefix(machine.lowercased()) }
    guard let only = found.first, found.count == 1 else {
      let reason = found.isEmpty ? "there is no machine" : "several machines have ids that begin with"
      throw APIClientError(.refused(status: 404), "\(reason) \(machine)")
    }
    guard let url = only.clientURL, !url.isEmpty else {
      throw APIClientError(.unavailable, "machine \(only.id) tells no address of its node; give the command there")
    }
    return NodeClient(endpoints: [try Endpoint(url)], transport: clients.transport)
  }

  /// Makes a place among the members, or finds the one that an earlier attempt made.
  private func place(with peerURLs: [String]) async throws(APIClientError) -> String {
    let members = try await clients.etcd.members()
    if let place = members.first(where: { Set($0.peerURLs) == Set(peerURLs) && $0.name.isEmpty }) { return place.hexID }
    let member = try await clients.etcd.addMember(peerURLs: peerURLs)
    output.line("Added member \(member.hexID) at \(peerURLs.joined(separator: ","))")
    return member.hexID
  }

  private func awaitVote(of id: String, at node: NodeClient, within limit: Duration) async -> Int32 {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      if case .member(let member)? = try? await node.nodeStatus(), member.memberID == id, member.isVoter {
        let name = (try? await clients.etcd.members())?.first { $0.hexID == id }?.name ?? ""
        output.line("Member \(id)\(name.isEmpty ? "" : " (\(name))") votes")
        return 0
      }
      try? await Task.sleep(for: .milliseconds(200))
    }
    output.errorLine(
      "Error:  member \(id) was added but does not vote after \(limit); look at its node's log, or take it back with: "
        + "coracle cluster members remove \(id)"
    )
    return 1
  }
}
