// SPDX-License-Identifier: Apache-2.0
import EtcdServer
import Raft
import Testing

/// The expected numbers come from Python's hashlib.
@Suite struct ClusterIdentityTests {
  private let first = ClusterIdentity.memberID(peerURLs: ["http://10.0.0.1:2380"], token: "etcd-cluster")
  private let second = ClusterIdentity.memberID(
    peerURLs: ["http://10.0.0.2:7001", "http://10.0.0.2:2380"],
    token: "etcd-cluster"
  )
  private let third = ClusterIdentity.memberID(
    peerURLs: ["http://10.0.0.3:2380"],
    token: "etcd-cluster",
    addedAtUnixSeconds: 1_700_000_000
  )

  @Test func `a member id comes from the sorted peer URLs, the token and the time`() {
    #expect(first == MemberID(0x3EBC_01AE_C68D_6D70))
    #expect(second == MemberID(0xD848_3A37_5741_E678))
    #expect(third == MemberID(0xAAB2_C56F_1C3B_6639))
  }

  @Test func `a cluster id comes from the sorted member ids`() {
    let expected = ClusterID(0x338D_01F2_3B2F_7C38)
    #expect(ClusterIdentity.clusterID(memberIDs: [first, second, third]) == expected)
    #expect(ClusterIdentity.clusterID(memberIDs: [third, first, second]) == expected)
  }
}
