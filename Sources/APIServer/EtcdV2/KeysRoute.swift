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
  let lines: EventLines
  /// What a write to a member's key of discovery brings with it.
  var upkeep: DiscoveryUpkeep?

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let method = KeysMethod(request.method) else {
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
      keys.perform(request, carrier: exchange.carrier) { result in
        switch result {
        case .success(let reply):
          requests.succeeded(method, since: start)
          let response = KeysResponse(
            reply: reply,
            noValueOnSuccess: noValueOnSuccess,
            clusterID: clusterID,
            cors: cors.headers
          )
          exchange.respond(writing: response)
          if let upkeep, case .write = request { upkeep.start() }
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
      contentType: method.hasForm ? Self.contentType(of: request) : nil,
      body: method.hasForm ? Array(request.body.readableBytesView) : []
    )
  }

  /// The type of a body; the one that forms have is not made a text anew for each request.
  private static func contentType(of request: HTTPRequest) -> String? {
    let isForm = request.headers.first(name: "content-type", is: "application/x-www-form-urlencoded")
    return isForm ? KeysRequestParser.formType : request.headers.first(name: "content-type")
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
    let cancellation = keys.watch(watch, carrier: exchange.carrier) { update in
      switch update {
      case .started(let etcdIndex, let raftIndex, let raftTerm):
        exchange.begin(.ok, headers: headers(etcdIndex, raftIndex, raftTerm), isOpenEnded: true)
      case .event(let event):
        let line = lines.line(for: event)
        if watch.stream { exchange.send(line) } else { exchange.end(with: line.data) }
      case .failed(let error):
        exchange.respond(response(to: error))
        // Too late for a status when the watch had started: a broken body is all that can tell.
        exchange.abort()
      case .closed: exchange.abort()
      }
    }
    exchange.whenOver { cancellation.cancel() }
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

/// The answer to a request that succeeded.
private struct KeysResponse: WrittenResponse {
  let reply: KeysReply
  let noValueOnSuccess: Bool
  let clusterID: UInt64
  let cors: HTTPHeaders

  var status: HTTPResponseStatus { reply.event.isCreation ? .created : .ok }

  func writeFields(into buffer: inout ByteBuffer) {
    buffer.writeStaticString("Content-Type: application/json\r\nX-Etcd-Cluster-Id: ")
    buffer.writeHexadecimal(clusterID)
    buffer.writeStaticString("\r\nX-Etcd-Index: ")
    buffer.writeDecimal(reply.event.etcdIndex.rawValue)
    if reply.raftTerm > 0 {
      buffer.writeStaticString("\r\nX-Raft-Index: ")
      buffer.writeDecimal(reply.raftIndex)
      buffer.writeStaticString("\r\nX-Raft-Term: ")
      buffer.writeDecimal(reply.raftTerm)
    }
    buffer.writeStaticString("\r\n")
    for (name, value) in cors { ResponseEncoding.writeField(name, value, into: &buffer) }
  }

  func writeBody(into bytes: inout [UInt8]) {
    KeysJSON.append(reply.event, noValueOnSuccess: noValueOnSuccess, to: &bytes)
  }
}

extension KeysMethod {
  fileprivate init?(_ method: HTTPMethod) {
    switch method {
    case .GET: self = .get
    case .PUT: self = .put
    case .POST: self = .post
    case .DELETE: self = .delete
    case .HEAD: self = .head
    default: return nil
    }
  }

  /// Whether parameters may stand in the body.
  fileprivate var hasForm: Bool { self == .put || self == .post }
  /// Whether it needs the permission to write.
  fileprivate var isWrite: Bool { self != .get && self != .head }
}
