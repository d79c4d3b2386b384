// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit
import Testing

@Suite struct ClusterIdentityTests {
  /// `printf 'http://127.0.0.1:2380etcd-cluster' | sha1sum` begins with these digits.
  @Test func `a member id is the start of a SHA-1 over URLs and token`() throws {
    let url = try EndpointURL(parsing: "http://127.0.0.1:2380")
    #expect(MemberID(peerURLs: [url], clusterToken: "etcd-cluster").description == "b71f75320dc06a6c")
  }
}
