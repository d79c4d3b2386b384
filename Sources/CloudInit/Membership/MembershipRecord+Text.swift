// SPDX-License-Identifier: Apache-2.0
import CloudConfig

/// The file form of a membership: a line for what it is, then one for each fact.
extension MembershipRecord {
  private static let header = "coracle membership 1"

  var text: String {
    var lines = [Self.header]
    switch self {
    case .member(let membership):
      lines += [
        "member \(membership.memberID)\(membership.isJoining ? " joined" : "")", "cluster \(membership.clusterID)",
      ]
      lines += membership.members.map { "peer \($0.id) \(list($0.peerURLs)) \($0.name)" }
    case .worker(let membership):
      lines.append("worker \(list(membership.peerURLs))")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  init?(parsing text: String) {
    let lines = text.split(separator: "\n")
    guard lines.count >= 2, lines[0] == Self.header else { return nil }
    let facts = lines.dropFirst().map { $0.split(separator: " ", maxSplits: 3).map(String.init) }
    switch facts.first?.first {
    case "worker":
      guard facts.count == 1, facts[0].count == 2, let urls = Self.urls(facts[0][1]) else { return nil }
      self = .worker(WorkerMembership(peerURLs: urls))
    case "member":
      guard let membership = Self.membership(facts) else { return nil }
      self = .member(membership)
    default: return nil
    }
  }

  private static func membership(_ facts: [[String]]) -> ClusterMembership? {
    guard facts.count >= 3, facts[0].count == 2 || facts[0].count == 3 && facts[0][2] == "joined", facts[1].count == 2,
      facts[1][0] == "cluster",
      let memberID = MemberID(hexadecimal: facts[0][1]), let clusterID = ClusterID(hexadecimal: facts[1][1])
    else { return nil }
    var members: [ClusterMembership.Member] = []
    for fact in facts.dropFirst(2) {
      guard fact.count == 4, fact[0] == "peer", let id = MemberID(hexadecimal: fact[1]), let urls = urls(fact[2]) else {
        return nil
      }
      members.append(ClusterMembership.Member(id: id, name: fact[3], peerURLs: urls))
    }
    guard members.contains(where: { $0.id == memberID }) else { return nil }
    var membership = ClusterMembership(clusterID: clusterID, memberID: memberID, members: members)
    membership.isJoining = facts[0].count == 3
    return membership
  }

  private func list(_ urls: [EndpointURL]) -> String {
    urls.map(\.text).joined(separator: ",")
  }

  private static func urls(_ text: String) -> [EndpointURL]? {
    let items = text.split(separator: ",")
    let urls = items.compactMap { try? EndpointURL(parsing: String($0)) }
    return urls.count == items.count && !urls.isEmpty ? urls : nil
  }
}
