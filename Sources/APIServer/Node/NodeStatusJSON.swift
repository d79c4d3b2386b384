// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// The body of `/coracle/v1/status`; ids are lower-case hexadecimal as everywhere in the members API.
enum NodeStatusJSON {
  static func worker(_ forwarder: any RequestForwarder) -> JSONValue {
    ["role": "worker", "endpoints": .strings(forwarder.endpoints), "peerURLs": .strings(forwarder.ownPeerURLs)]
  }

  static func member(_ cluster: any ClusterAPI, digest: StoreDigest?) -> JSONValue {
    let status = cluster.status
    var fields: [JSONValue.Field] = [
      .init("role", .string(status.role.rawValue)),
      .init("clusterID", .string(String(cluster.clusterID, radix: 16))),
      .init("memberID", .string(String(cluster.memberID, radix: 16))),
      .init("raftTerm", .unsigned(status.raftTerm)),
      .init("raftCommitIndex", .unsigned(status.raftCommitIndex)),
      .init("raftAppliedIndex", .unsigned(status.raftAppliedIndex)),
      .init("etcdIndex", .unsigned(status.etcdIndex.rawValue)),
      .init("raftDatabaseBytes", .unsigned(status.raftDatabaseBytes)),
      .init("voter", .bool(status.isVoter)),
    ]
    if let leaderID = status.leaderID { fields.append(.init("leaderID", .string(String(leaderID, radix: 16)))) }
    if let digest {
      fields.append(
        .init(
          "digest",
          [
            "etcdIndex": .unsigned(digest.etcdIndex.rawValue), "raftAppliedIndex": .unsigned(digest.raftAppliedIndex),
            "hash": .string(String(digest.hash, radix: 16)),
          ]
        )
      )
    }
    return .object(fields)
  }
}
