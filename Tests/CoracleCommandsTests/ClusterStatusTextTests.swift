// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire
import Testing

@testable import CoracleCommands

struct ClusterStatusTextTests {
  private let members = [
    ClusterMember(id: 0xa1, name: "core-01", peerURLs: ["http://10.0.0.1:2380"], clientURLs: ["http://10.0.0.1:2379"])
  ]

  private let body = """
    {"role":"StateLeader","memberID":"a1","clusterID":"c1","leaderID":"a1","raftTerm":2,"raftCommitIndex":18,\
    "raftAppliedIndex":17,"etcdIndex":14,"raftDatabaseBytes":4096}
    """

  @Test func `a member tells its role, its leader and its indexes`() throws {
    let status = try #require(NodeStatus(json: try JSONValue.parse(Array(body.utf8))))
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

        MEMBER\tNAME\tROLE\t\tTERM\tAPPLIED\tCOMMITTED\tETCD INDEX\tDB BYTES\tCLIENT URLS
        a1\tcore-01\tunreachable\t-\t-\t-\t\t-\t\t-\t\thttp://10.0.0.1:2379

        """
    )
  }

  @Test func `every member that answers tells where it stands`() throws {
    let others = members + [ClusterMember(id: 0xa2, peerURLs: ["http://10.0.0.2:2380"])]
    guard case .member(let figures)? = NodeStatus(json: try JSONValue.parse(Array(body.utf8))) else {
      Issue.record("no member")
      return
    }
    let text = ClusterStatusText.text(.worker(endpoints: [], peerURLs: []), others, .table, figures: [0xa1: figures])
    #expect(
      text.split(separator: "\n").suffix(2) == [
        "a1\tcore-01\tleader\t\t2\t17\t18\t\t14\t\t4096\t\thttp://10.0.0.1:2379",
        "a2\t-\tunstarted\t-\t-\t-\t\t-\t\t-\t\t-",
      ]
    )
    let json = ClusterStatusText.text(.worker(endpoints: [], peerURLs: []), others, .json, figures: [0xa1: figures])
    #expect(json.contains(#""id":"a1","name":"core-01","peerURLs":["http://10.0.0.1:2380"]"#))
    #expect(json.contains(#""role":"leader","leaderID":"a1","raftTerm":2,"raftCommitIndex":18"#))
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
