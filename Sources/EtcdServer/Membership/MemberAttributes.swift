// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Raft

/// What a member tells about itself when it has started: the part of a member that is not its addresses for peers.
///
/// Source: etcd v2.3.8 `etcdserver/member.go` `Attributes`.
struct MemberAttributes: Equatable {
  var member: MemberID
  var name: String
  var clientURLs: [String]

  init(member: MemberID, name: String, clientURLs: [String]) {
    self.member = member
    self.name = name
    self.clientURLs = clientURLs
  }

  init?(decoding bytes: [UInt8]) {
    guard let json = try? JSONValue.parse(bytes), let id = json["id"]?.memberID, let name = json["name"]?.string
    else { return nil }
    self.init(member: id, name: name, clientURLs: json["clientURLs"]?.texts ?? [])
  }

  func encoded() -> [UInt8] {
    let json: JSONValue = .fields([
      "id": .string(member.description), "name": .string(name), "clientURLs": .strings(clientURLs),
    ])
    return json.serialized()
  }
}

/// The host's bytes in a membership change: who asked for it, under which number, and the member's peer URLs.
struct MembershipContext: Equatable {
  /// Who proposed the change; id 0 for the beginning of a cluster.
  var proposer: MemberID
  var request: RequestID
  /// The peer URLs of the member; empty for changes that leave them.
  var peerURLs: [String]

  init(proposer: MemberID, request: RequestID, peerURLs: [String]) {
    self.proposer = proposer
    self.request = request
    self.peerURLs = peerURLs
  }

  init?(decoding bytes: [UInt8]) {
    guard let json = try? JSONValue.parse(bytes), let proposer = json["proposer"]?.memberID,
      let request = json["request"]?.string.flatMap({ UInt64($0, radix: 16) })
    else { return nil }
    self.init(proposer: proposer, request: RequestID(request), peerURLs: json["peerURLs"]?.texts ?? [])
  }

  func encoded() -> [UInt8] {
    let json: JSONValue = .fields([
      "proposer": .string(proposer.description), "request": .string(String(request.rawValue, radix: 16)),
      "peerURLs": .strings(peerURLs),
    ])
    return json.serialized()
  }
}

extension JSONValue {
  var memberID: MemberID? { string.flatMap { UInt64($0, radix: 16) }.map { MemberID($0) } }

  var texts: [String]? {
    guard case .array(let elements) = self else { return nil }
    return elements.compactMap(\.string)
  }
}
