// SPDX-License-Identifier: Apache-2.0

/// An HTTP proxy that is asked to connect to every server; unix sockets are not reached through it.
public struct TransportProxy: Sendable {
  /// Where it listens.
  public var host: String
  /// Where it listens.
  public var port: Int
  /// What it is shown as `Proxy-Authorization: Bearer …`; nil shows nothing.
  public var token: String?
  /// Why it could not connect to a host and port when it was last asked, if that can be told.
  public var failure: @Sendable (_ host: String, _ port: Int) -> String?

  /// Names a proxy.
  public init(
    host: String,
    port: Int,
    token: String? = nil,
    failure: @escaping @Sendable (_ host: String, _ port: Int) -> String? = { _, _ in nil }
  ) {
    self.host = host
    self.port = port
    self.token = token
    self.failure = failure
  }

  /// Why it did not connect to an endpoint.
  func failure(at endpoint: Endpoint) -> String? {
    endpoint.authority.flatMap { failure($0.host, $0.port) }
  }
}
