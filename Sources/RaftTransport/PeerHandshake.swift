// SPDX-License-Identifier: Apache-2.0
import NIOHTTP1
import Raft

/// What a connecting member says about itself and whom it means to reach, as headers of the upgrade request.
///
/// Shape: ids are lower-case hexadecimal without padding, as everywhere in etcd.
struct PeerHandshake: Equatable {
  /// The path and the protocol that a stream of Raft messages starts with.
  static let path = "/raft"
  static let protocolName = "coracle-raft/1"

  static let clusterHeader = "X-Etcd-Cluster-ID"
  static let fromHeader = "X-Raft-From"
  static let toHeader = "X-Raft-To"

  var clusterID: ClusterID
  var from: MemberID
  var to: MemberID

  init(clusterID: ClusterID, from: MemberID, to: MemberID) {
    self.clusterID = clusterID
    self.from = from
    self.to = to
  }

  /// Reads the headers of a request; nil when one is missing or no number.
  init?(_ headers: HTTPHeaders) {
    guard let clusterID = Self.number(headers, Self.clusterHeader),
      let from = Self.number(headers, Self.fromHeader),
      let to = Self.number(headers, Self.toHeader)
    else { return nil }
    self.init(clusterID: ClusterID(clusterID), from: MemberID(from), to: MemberID(to))
  }

  /// Adds the headers to a request.
  func add(to headers: inout HTTPHeaders) {
    headers.add(name: Self.clusterHeader, value: clusterID.description)
    headers.add(name: Self.fromHeader, value: from.description)
    headers.add(name: Self.toHeader, value: to.description)
  }

  private static func number(_ headers: HTTPHeaders, _ name: String) -> UInt64? {
    headers.first(name: name).flatMap { UInt64($0, radix: 16) }
  }
}

/// Why a stream was not accepted: the status and the one line the other member logs.
struct HandshakeRefusal: Error, Equatable {
  var status: HTTPResponseStatus
  var reason: String
}

extension PeerHandshake {
  /// Checks a request for a stream against this member.
  ///
  /// - Returns: Who connects, or why it is refused.
  static func admit(
    _ headers: HTTPHeaders,
    clusterID: ClusterID,
    memberID: MemberID,
    removed: (MemberID) -> Bool
  ) -> Result<MemberID, HandshakeRefusal> {
    guard let handshake = PeerHandshake(headers) else {
      return .failure(
        HandshakeRefusal(
          status: .badRequest,
          reason: "\(clusterHeader), \(fromHeader) and \(toHeader) must each hold an id in hexadecimal"
        )
      )
    }
    guard handshake.clusterID == clusterID else {
      return .failure(
        HandshakeRefusal(
          status: .preconditionFailed,
          reason: "this is a member of cluster \(clusterID), not of "
            + "\(handshake.clusterID); check initial-cluster, the token and the data directory"
        )
      )
    }
    guard handshake.to == memberID else {
      return .failure(
        HandshakeRefusal(
          status: .preconditionFailed,
          reason: "this is member \(memberID), not "
            + "\(handshake.to); check the peer URLs of both"
        )
      )
    }
    guard handshake.from != memberID else {
      return .failure(
        HandshakeRefusal(
          status: .preconditionFailed,
          reason: "this is member \(memberID) itself; two members share one id"
        )
      )
    }
    guard !removed(handshake.from) else {
      return .failure(
        HandshakeRefusal(
          status: .gone,
          reason: "member \(handshake.from) was removed from the cluster for good"
        )
      )
    }
    return .success(handshake.from)
  }
}
