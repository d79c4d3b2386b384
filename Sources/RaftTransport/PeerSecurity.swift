// SPDX-License-Identifier: Apache-2.0
public import TransportSecurity

/// The TLS of the streams between members.
public struct PeerSecurity: Sendable {
  /// The TLS of https peer URLs that are listened on; nil when there are none.
  public var server: ServerSecurity?
  /// The TLS of https peer URLs that are dialled; nil when this member dials none.
  public var client: ClientSecurity?

  /// Makes the TLS of a member; without any, peer URLs have to be http.
  public init(server: ServerSecurity? = nil, client: ClientSecurity? = nil) {
    self.server = server
    self.client = client
  }
}
