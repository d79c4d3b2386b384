// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1

/// Makes discovery tokens at any coracle node.
public final class DiscoveryClient: Sendable {
  private let pool: EndpointPool
  private let etcd: EtcdClient

  /// Makes a client of nodes that are tried in order; at least one.
  public init(endpoints: [Endpoint], transport: HTTPTransport) {
    pool = EndpointPool(endpoints, transport: transport)
    etcd = EtcdClient(endpoints: endpoints, transport: transport)
  }

  /// Makes the token of a new cluster.
  ///
  /// Through a unix socket the address is that of the first member, since the socket's would help no other machine.
  ///
  /// - Parameter size: How many members the cluster shall have, 1 to 9.
  /// - Returns: The discovery URL to boot the machines with.
  /// - Throws: ``APIClientError``, `refused` with the server's text for a size it does not take.
  public func newToken(size: Int) async throws(APIClientError) -> String {
    var request = OutgoingRequest(target: "/discovery/new?size=\(size)")
    var isSecure = false
    if pool.endpoints[0].isUnixSocket, let member = try await memberAddress() {
      request.headers.add(name: "Host", value: member.host)
      isSecure = member.isSecure
    }
    let answer = try await pool.send(request)
    let text = String(decoding: answer.body.readableBytesView, as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    guard answer.status == .ok, line.contains("://") else {
      throw APIClientError(.refused(status: Int(answer.status.code)), line.isEmpty ? "\(answer.status)" : line)
    }
    // The socket knows nothing of the TLS of the address that it was asked to name.
    return isSecure && line.hasPrefix("http://") ? "https" + line.dropFirst("http".count) : line
  }

  private func memberAddress() async throws(APIClientError) -> (host: String, isSecure: Bool)? {
    let url = try await etcd.members().lazy.flatMap(\.clientURLs).first
    guard let url, let separator = url.firstRange(of: "://") else { return nil }
    return (String(url[separator.upperBound...].prefix { $0 != "/" }), url.hasPrefix("https://"))
  }
}
