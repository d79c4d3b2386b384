// SPDX-License-Identifier: Apache-2.0
import APIClients
import NIOCore

/// The outgoing connections of a node, one set for each kind of server, since each has its own TLS.
struct NodeTransports: Sendable {
  /// To the client URLs of members and other nodes.
  let members: HTTPTransport
  /// To the peer URLs of members.
  let peers: HTTPTransport
  /// To discovery services.
  let discovery: HTTPTransport
  /// To a remote store.
  let store: HTTPTransport

  init(group: any EventLoopGroup, security: NodeSecurity) {
    members = HTTPTransport(group: group, security: security.members)
    peers = HTTPTransport(group: group, security: security.peerClient)
    discovery = HTTPTransport(group: group, security: security.discovery)
    store = HTTPTransport(group: group, security: security.store)
  }

  /// Closes all connections.
  func shutdown() async {
    for transport in [members, peers, discovery, store] { await transport.shutdown() }
  }
}
