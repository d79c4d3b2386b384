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

  /// The id that etcd 2.3.8 registered with, as specs/discovery.md §7 recorded it.
  @Test func `the id is the one that etcd registers with`() throws {
    let url = try EndpointURL(parsing: "http://127.0.0.1:13002")
    let token = "http://127.0.0.1:18087/v2/keys/_etcd/registry/tok1"
    #expect(MemberID(peerURLs: [url], clusterToken: token).description == "b560097d62915f61")
  }

  @Test func `the order of URLs and members does not matter`() throws {
    let urls = [try EndpointURL(parsing: "http://h:2"), try EndpointURL(parsing: "http://h:1")]
    #expect(MemberID(peerURLs: urls, clusterToken: "t") == MemberID(peerURLs: urls.reversed(), clusterToken: "t"))
    #expect(ClusterID(members: [MemberID(1), MemberID(2)]) == ClusterID(members: [MemberID(2), MemberID(1)]))
    #expect(ClusterID(members: [MemberID(1)]) != ClusterID(members: [MemberID(2)]))
  }
}
