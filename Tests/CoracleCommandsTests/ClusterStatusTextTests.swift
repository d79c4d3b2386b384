// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire
import Testing

@testable import CoracleCommands

struct ClusterStatusTextTests {
  private let members = [
    ClusterMember(id: 0xa1, name: "core-01", peerURLs: ["http://10.0.0.1:2380"], clientURLs: ["http://10.0.0.1:2379"])
  ]

  @Test func `a member tells its role, its leader and its indexes`() throws {
    let body = try JSONValue.parse(
      Array(
        """
        {"role":"StateLeader","memberID":"a1","clusterID":"c1","leaderID":"a1","raftTerm":2,"raftCommitIndex":18,\
        "raftAppliedIndex":17,"etcdIndex":14,"raftDatabaseBytes":4096}
        """.utf8
      )
    )
    let status = try #require(NodeStatus(json: body))
    #expect(
      ClusterStatusText.text(status, members, .table) == """
        Role:       leader
        Member:     a1
        Cluster:    c1
        Leader:     a1 (core-01)
        Term:       2
        Raft index: 17 applied, 18 committed
        Etcd index: 14
        Database:   4096 bytes

        MEMBER\tNAME\tPEER URLS\t\tCLIENT URLS
        a1\tcore-01\thttp://10.0.0.1:2380\thttp://10.0.0.1:2379

        """
    )
  }

  @Test func `a worker tells whom it asks`() {
    let text = ClusterStatusText.text(.worker(endpoints: ["http://10.0.0.1:2379"], peerURLs: []), [], .table)
    #expect(text == "Role:       worker\nEndpoints:  http://10.0.0.1:2379\n")
    #expect(
      ClusterStatusText.text(.worker(endpoints: [], peerURLs: []), [], .json)
        == #"{"role":"worker","endpoints":[],"members":[]}"#
        + "\n"
    )
  }
}
