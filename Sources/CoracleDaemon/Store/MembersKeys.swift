// SPDX-License-Identifier: Apache-2.0
import APIClients
import APIServer
import EtcdStore
import EtcdWire
import NIOCore
import NIOHTTP1
import Synchronization

/// The members' store as a worker uses it: a client of whichever members there are now, until it is a member itself.
///
/// When the members change, watches end as those of a server do that stops: whoever watches begins anew, with a member
/// that is there. One at a member that is none any more might stand for ever, and tell nothing.
final class MembersKeys: KeysAPI {
  private let forwarder: MemberForwarder
  private let transport: HTTPTransport
  private let credentials: Credentials?
  private let latest: Mutex<(urls: [String], client: EtcdClient)?>
  private let own = Mutex<(any KeysAPI)?>(nil)

  init(forwarder: MemberForwarder, transport: HTTPTransport, credentials: Credentials?) {
    self.forwarder = forwarder
    self.transport = transport
    self.credentials = credentials
    latest = Mutex(nil)
  }

  func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    current().perform(request, answer: answer)
  }

  func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation {
    current().watch(watch, deliver: deliver)
  }

  /// Goes over to a replica of this node; watches that stand go on with the other members until they end.
  func adopt(_ keys: any KeysAPI) {
    own.withLock { $0 = keys }
  }

  private func current() -> any KeysAPI {
    if let own = own.withLock({ $0 }) { return own }
    return client()
  }

  /// The client of the members known now; a new one only when they have changed.
  private func client() -> EtcdClient {
    let urls = forwarder.endpoints
    let (client, outdated) = latest.withLock { latest in
      if let latest, latest.urls == urls { return (latest.client, EtcdClient?.none) }
      let client = EtcdClient(
        endpoints: urls.compactMap { try? Endpoint($0) },
        transport: transport,
        credentials: credentials
      )
      defer { latest = (urls, client) }
      return (client, latest?.client)
    }
    outdated?.becomeOutdated()
    return client
  }
}

/// The client library's forwarder has the shape of the server's port; this is where they meet.
struct MembersForwarding: RequestForwarder {
  let forwarder: MemberForwarder
  let isReadOnly: Bool
  let ownPeerURLs: [String]

  var endpoints: [String] { forwarder.endpoints }
  var availableEndpoints: [String] { forwarder.availableEndpoints }

  func refreshSoon() { forwarder.refreshSoon() }

  func forward(
    _ head: HTTPRequestHead,
    body: ByteBuffer,
    refused: @escaping @Sendable (HTTPResponseStatus) -> Void,
    answer: @escaping @Sendable (HTTPClientResponsePart) async throws -> Void
  ) async throws {
    try await forwarder.forward(head, body: body, refused: refused, answer: answer)
  }
}
