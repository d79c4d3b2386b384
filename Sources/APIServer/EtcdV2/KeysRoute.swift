// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import NIOCore
import NIOHTTP1

/// `/v2/keys`: reads, writes and watches of one key.
///
/// Nothing here suspends: the store's answer hops from its thread to the connection's event loop and is written there.
/// Source: etcd v2.3.8 `etcdserver/etcdhttp/client.go` `keysHandler`; specs/etcd-v2.md §6, §11.
struct KeysRoute: HTTPRoute {
  let keys: any KeysAPI
  let key: String
  /// The key as the client sent it, which is what permissions are compared with.
  let sentKey: String
  let access: AccessGuard
  let clusterID: UInt64
  let requests: RequestMetrics
  let cors: CORSHeaders

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let method = KeysMethod(rawValue: request.method.rawValue) else {
      var response = HTTPResponse.methodNotAllowed(allow: "HEAD,GET,PUT,POST,DELETE")
      response.headers.add(contentsOf: cors.headers)
      return exchange.respond(response)
    }
    do throws(EtcdError) {
      let call = try parse(method, request)
      if access.isOpen {
        carryOut(call, method, exchange)
      } else {
        try guarded(method, request, exchange) { carryOut(call, method, exchange) }
      }
    } catch {
      requests.failed(method, status: error.code.httpStatus)
      exchange.respond(response(to: error))
    }
  }

  private func carryOut(_ call: KeysCall, _ method: KeysMethod, _ exchange: HTTPExchange) {
    switch call {
    case .perform(let request, let noValueOnSuccess):
      let start = RequestMetrics.now()
      requests.received(method)
      keys.perform(request) { result in
        switch result {
        case .success(let reply):
          requests.succeeded(method, since: start)
          exchange.respond(response(to: reply, noValueOnSuccess: noValueOnSuccess))
        case .failure(let error):
          requests.failed(method, status: error.code.httpStatus)
          exchange.respond(response(to: error))
        }
      }
    case .watch(let watch): self.watch(watch, exchange)
    }
  }

  private func parse(_ method: KeysMethod, _ request: HTTPRequest) throws(EtcdError) -> KeysCall {
    if method.hasForm && request.bodyIsTooLarge { throw KeysRequestParser.formTooLarge }
    return try KeysRequestParser.parse(
      method,
      key: key,
      query: request.target.query,
      contentType: request.headers.first(name: "content-type"),
      body: method.hasForm ? Array(request.body.readableBytesView) : []
    )
  }

  /// Carries a call out when its sender may do what it asks for.
  private func guarded(
    _ method: KeysMethod,
    _ request: HTTPRequest,
    _ exchange: HTTPExchange,
    _ carryOut: @escaping @Sendable () -> Void
  ) throws(EtcdError) {
    let isRecursive = try KeysRequestParser.asksRecursively(
      method,
      query: request.target.query,
      contentType: request.headers.first(name: "content-type"),
      body: method.hasForm ? Array(request.body.readableBytesView) : []
    )
    let wanted = AuthAccess(key: sentKey, isWrite: method.isWrite, isRecursive: isRecursive)
    access.ask(request, for: wanted) { verdict in
      switch verdict {
      case .allowed: carryOut()
      case .refused:
        exchange.respond(response(to: EtcdError(.unauthorized, cause: "Insufficient credentials")))
      case .busy:
        exchange.respond(response(to: EtcdError(.raftInternal, cause: "etcdserver: too many requests")))
      }
    }
  }

  /// The head goes out as soon as the watch stands, so that the client knows from which index on it sees everything.
  private func watch(_ watch: KeysWatch, _ exchange: HTTPExchange) {
    let cancellation = keys.watch(watch) { update in
      switch update {
      case .started(let etcdIndex, let raftIndex, let raftTerm):
        exchange.begin(.ok, headers: headers(etcdIndex, raftIndex, raftTerm), isOpenEnded: true)
      case .event(let event):
        let line = ByteBuffer(bytes: KeysJSON.encode(event))
        if watch.stream { exchange.send(line) } else { exchange.end(with: line) }
      case .failed(let error):
        exchange.respond(response(to: error))
        // Too late for a status when the watch had started: a broken body is all that can tell.
        exchange.abort()
      case .closed: exchange.abort()
      }
    }
    exchange.whenOver { cancellation.cancel() }
  }

  private func response(to reply: KeysReply, noValueOnSuccess: Bool) -> HTTPResponse {
    let event = reply.event
    return HTTPResponse(
      event.isCreation ? .created : .ok,
      headers: headers(event.etcdIndex, reply.raftIndex, reply.raftTerm),
      body: ByteBuffer(bytes: KeysJSON.encode(event, noValueOnSuccess: noValueOnSuccess))
    )
  }

  private func response(to error: EtcdError) -> HTTPResponse {
    HTTPResponse(
      HTTPResponseStatus(statusCode: error.code.httpStatus),
      headers: headers(error.index, 0, 0),
      body: ByteBuffer(bytes: KeysJSON.encode(error))
    )
  }

  /// The headers of every answer; those of Raft are left out when it said nothing.
  private func headers(_ etcdIndex: EtcdIndex, _ raftIndex: UInt64, _ raftTerm: UInt64) -> HTTPHeaders {
    var headers = HTTPHeaders()
    headers.reserveCapacity(8)
    headers.add(name: "Content-Type", value: "application/json")
    headers.add(name: "X-Etcd-Cluster-Id", value: String(clusterID, radix: 16))
    headers.add(name: "X-Etcd-Index", value: String(etcdIndex.rawValue))
    if raftTerm > 0 {
      headers.add(name: "X-Raft-Index", value: String(raftIndex))
      headers.add(name: "X-Raft-Term", value: String(raftTerm))
    }
    headers.add(contentsOf: cors.headers)
    return headers
  }
}

extension KeysMethod {
  /// Whether parameters may stand in the body.
  fileprivate var hasForm: Bool { self == .put || self == .post }
  /// Whether it needs the permission to write.
  fileprivate var isWrite: Bool { self != .get && self != .head }
}
