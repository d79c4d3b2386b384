// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdServer
import EtcdWire
import RaftTransport

/// The store as this node has it: its own replica, or someone else's over HTTP.
enum NodeStore: Sendable {
  /// This node is a member.
  case member(EtcdMember, PeerTransport)
  /// This node is a worker of a cluster.
  case worker(MembersKeys, MemberForwarder)
  /// This node only uses a store that others run (`coreos.fleet.etcd-servers`).
  case remote(EtcdClient)

  /// The port that everything above sees.
  var keys: any KeysAPI {
    switch self {
    case .member(let member, _): member
    case .worker(let keys, _): keys
    case .remote(let client): client
    }
  }
}
