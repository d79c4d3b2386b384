// SPDX-License-Identifier: Apache-2.0
import Crypto
public import Raft

/// How etcd derives the ids of members and clusters, so that equal settings give equal ids everywhere.
///
/// Source: etcd v2.3.8 `etcdserver/member.go` `newMember`, `etcdserver/cluster.go` `genID`; specs §15.
public enum ClusterIdentity {
  /// The id of a member.
  ///
  /// - Parameters:
  ///   - peerURLs: Its peer URLs, in any order.
  ///   - token: The cluster's token.
  ///   - addedAtUnixSeconds: When it was added to a running cluster, so that ids are not reused; nil for initial members.
  /// - Returns: The first eight bytes of a SHA-1 over the sorted URLs, the token and the time.
  public static func memberID(peerURLs: [String], token: String, addedAtUnixSeconds: Int64? = nil) -> MemberID {
    var text = peerURLs.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined() + token
    if let addedAtUnixSeconds { text += String(addedAtUnixSeconds) }
    return MemberID(firstBytes(of: Array(text.utf8)))
  }

  /// The id of the cluster that starts with these members.
  public static func clusterID(memberIDs: [MemberID]) -> ClusterID {
    var bytes: [UInt8] = []
    for id in memberIDs.sorted() {
      withUnsafeBytes(of: id.rawValue.bigEndian) { bytes.append(contentsOf: $0) }
    }
    return ClusterID(firstBytes(of: bytes))
  }

  private static func firstBytes(of bytes: [UInt8]) -> UInt64 {
    // An identifier, not a protection: SHA-1 is what etcd uses.
    Insecure.SHA1.hash(data: bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
