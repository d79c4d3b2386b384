// SPDX-License-Identifier: Apache-2.0
import APIClients
import CloudConfig
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

  /// Makes them with a worker's times (`coreos.etcd2.proxy-…`) and the proxy on the way to discovery.
  init(group: any EventLoopGroup, security: NodeSecurity, plan: EtcdPlan?) {
    let times = plan?.proxyTimes ?? ProxyPlan()
    func time(_ milliseconds: UInt64) -> TimeAmount? {
      milliseconds == 0 ? nil : .milliseconds(Int64(milliseconds))
    }
    members = HTTPTransport(
      group: group,
      security: security.members,
      connectTimeout: time(times.dialMilliseconds) ?? .seconds(1),
      readTimeout: time(times.readMilliseconds),
      writeTimeout: time(times.writeMilliseconds)
    )
    peers = HTTPTransport(group: group, security: security.peerClient)
    discovery = HTTPTransport(
      group: group,
      security: security.discovery,
      proxy: plan?.discoveryProxy.map { TransportProxy(host: $0.host, port: $0.port) }
    )
    store = HTTPTransport(group: group, security: security.store)
  }

  /// Closes all connections.
  func shutdown() async {
    for transport in [members, peers, discovery, store] { await transport.shutdown() }
  }
}
