// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdWire
import Testing

@testable import CoracleCommands

/// What `coracle cluster members` prints.
struct MemberListingTests {
  private let members = [
    ClusterMember(id: 0xa1, name: "n1", peerURLs: ["http://a:2380"], clientURLs: ["http://a:2379"]),
    ClusterMember(id: 0xb2, peerURLs: ["http://b:2380", "http://c:2380"]),
  ]

  @Test func `members are listed with what they are`() {
    #expect(
      MemberListing.text(members, leaderID: 0xa1, .table) == """
        MEMBER\tNAME\tSTATUS\t\tPEER URLS\t\t\tCLIENT URLS
        a1\tn1\tleader\t\thttp://a:2380\t\t\thttp://a:2379
        b2\t-\tunstarted\thttp://b:2380,http://c:2380\t-

        """
    )
    #expect(
      MemberListing.text(members, leaderID: nil, .json) == """
        [{"id":"a1","name":"n1","peerURLs":["http://a:2380"],"clientURLs":["http://a:2379"],"isStarted":true,\
        "isLeader":false},{"id":"b2","name":"","peerURLs":["http://b:2380","http://c:2380"],"clientURLs":[],\
        "isStarted":false,"isLeader":false}]

        """
    )
  }

  @Test func `what a new member's machine needs is told`() {
    let text = AddedMemberText.text("n2", members[1], members, .table)
    #expect(text.contains("\n    name: n2\n    initial-advertise-peer-urls: http://b:2380,http://c:2380\n"))
    #expect(text.contains("    initial-cluster: n1=http://a:2380,n2=http://b:2380,n2=http://c:2380\n"))
    #expect(text.contains("    initial-cluster-state: existing\n"))
    #expect(text.contains("ETCD_INITIAL_CLUSTER=\"n1=http://a:2380,n2=http://b:2380,n2=http://c:2380\"\n"))
  }

  @Test(arguments: [
    ("bogus", "URL scheme must be http, https, unix, or unixs: bogus"),
    ("http://foo", "URL address does not have the form \"host:port\": http://foo"),
    ("http://foo:x", "URL address does not have the form \"host:port\": http://foo:x"),
    ("http://foo:1/bar", "URL must not contain a path: http://foo:1/bar"),
  ])
  func `what is no peer URL is refused in the words of the original`(url: String, message: String) {
    do throws(APIClientError) {
      _ = try PeerURLs.checked(["http://a:1", url])
      Issue.record("\(url) is taken")
    } catch {
      #expect(error.message == message)
    }
  }
}
