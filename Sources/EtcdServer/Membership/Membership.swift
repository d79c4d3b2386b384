// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Raft

/// The members as the log tells of them: part of the replicated state.
///
/// Invariant: `members` is sorted by id; an id in `removed` never comes back.
struct Membership: Equatable {
  private(set) var members: [ClusterMember] = []
  private(set) var removed: [UInt64] = []

  /// The member with an id.
  func member(_ id: MemberID) -> ClusterMember? {
    members.first { $0.id == id.rawValue }
  }

  func isRemoved(_ id: MemberID) -> Bool {
    removed.contains(id.rawValue)
  }

  /// The peer URLs by member, for the transport.
  var peerURLs: [MemberID: [String]] {
    Dictionary(uniqueKeysWithValues: members.map { (MemberID($0.id), $0.peerURLs) })
  }

  /// Takes a committed change over.
  mutating func apply(_ change: ConfigurationChange) {
    let peerURLs = MembershipContext(decoding: change.context)?.peerURLs ?? []
    let id = change.member.rawValue
    let place = members.firstIndex { $0.id >= id } ?? members.endIndex
    let isKnown = place < members.endIndex && members[place].id == id
    switch change.action {
    case .addVoter, .addLearner:
      if !isKnown, !removed.contains(id) { members.insert(ClusterMember(id: id, peerURLs: peerURLs), at: place) }
    case .promote:
      break
    case .remove:
      if isKnown { members.remove(at: place) }
      if !removed.contains(id) { removed = (removed + [id]).sorted() }
    case .update:
      if isKnown { members[place].peerURLs = peerURLs }
    }
  }

  /// Takes over what a member tells about itself.
  mutating func apply(_ attributes: MemberAttributes) {
    guard let place = members.firstIndex(where: { $0.id == attributes.member.rawValue }) else { return }
    members[place].name = attributes.name
    members[place].clientURLs = attributes.clientURLs
  }
}

// The form in snapshots; equal memberships have equal bytes.
extension Membership {
  func encoded() -> [UInt8] {
    let json: JSONValue = .fields([
      "members": .array(members.map(Self.json)),
      "removed": .strings(removed.map { String($0, radix: 16) }),
    ])
    return json.serialized()
  }

  init?(decoding bytes: [UInt8]) {
    guard let json = try? JSONValue.parse(bytes), case .array(let elements)? = json["members"],
      let removed = json["removed"]?.texts
    else { return nil }
    for element in elements {
      guard let id = element["id"]?.memberID, let name = element["name"]?.string,
        let peerURLs = element["peerURLs"]?.texts, let clientURLs = element["clientURLs"]?.texts
      else { return nil }
      members.append(ClusterMember(id: id.rawValue, name: name, peerURLs: peerURLs, clientURLs: clientURLs))
    }
    self.removed = removed.compactMap { UInt64($0, radix: 16) }
  }

  private static func json(_ member: ClusterMember) -> JSONValue {
    .fields([
      "id": .string(member.hexID), "name": .string(member.name), "peerURLs": .strings(member.peerURLs),
      "clientURLs": .strings(member.clientURLs),
    ])
  }
}
