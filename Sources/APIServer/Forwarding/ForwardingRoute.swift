// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1
import Synchronization

/// Sends requests on to a member (a worker's `/v2`).
///
/// Source: etcd v2.3.8 `proxy/reverse.go`; specs/etcd-v2.md §18.
struct ForwardingRoute: HTTPRoute {
  let forwarder: any RequestForwarder
  let proxied: ProxyMetrics
  let cors: CORSHeaders

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    if request.bodyIsTooLarge {
      return exchange.respond(HTTPResponse.text(.payloadTooLarge, "The request's body is too large\n").adding(cors))
    }
    let method = KeysMethod(rawValue: request.method.rawValue)
    let start = RequestMetrics.now()
    if let method { proxied.received(method) }
    var headers = request.headers.fields
    if let address = request.remoteAddress {
      let earlier = headers["x-forwarded-for"]
      headers.replaceOrAdd(name: "X-Forwarded-For", value: (earlier + [address]).joined(separator: ", "))
    }
    let query = request.target.query
    let uri = PercentCoding.encodedPath(request.target.path) + (query.isEmpty ? "" : "?" + query)
    let head = HTTPRequestHead(version: .http1_1, method: request.method, uri: uri, headers: headers)
    let isWatch = query.split(separator: "&").contains { $0.utf8.starts(with: "wait=".utf8) }
    exchange.stream { [forwarder, proxied, cors] in
      let isRefused = Mutex(false)
      let refuse = { @Sendable (status: HTTPResponseStatus) in
        isRefused.withLock { $0 = true }
        if let method {
          proxied.dropped(method, status == .serviceUnavailable ? .zeroEndpoints : .failedGettingResponse)
        }
      }
      try await forwarder.forward(head, body: request.body, refused: refuse) { part in
        switch part {
        case .head(let head):
          var headers = head.headers
          let length = headers.first(name: "content-length").flatMap { Int($0) }
          for name in ["content-length", "transfer-encoding", "connection", "date"] { headers.remove(name: name) }
          // The members need not have the same origins.
          for (name, value) in cors.headers { headers.replaceOrAdd(name: name, value: value) }
          if let method, !isRefused.withLock({ $0 }) {
            let time = isWatch ? nil : RequestMetrics.now() - start
            proxied.handled(method, status: head.status.code, nanoseconds: time)
          }
          exchange.begin(head.status, headers: headers, length: length, isOpenEnded: isWatch)
        case .body(let data): try await exchange.sendWaiting(data).get()
        case .end: exchange.end()
        }
      }
    }
  }
}
