// SPDX-License-Identifier: Apache-2.0
import NIOHTTP1

/// The headers that let pages of other origins use the store.
///
/// Source: etcd v2.3.8 `pkg/cors`; specs/etcd-v2.md §14.
struct CORSHeaders {
  /// The headers of every answer; empty for an origin that is not listed.
  let headers: HTTPHeaders

  init(origins: Set<String>, origin: String?) {
    let allowed: String? =
      if origins.contains("*") {
        "*"
      } else if let origin, origins.contains(origin) {
        origin
      } else {
        nil
      }
    guard let allowed else {
      headers = [:]
      return
    }
    headers = [
      "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
      "Access-Control-Allow-Origin": allowed,
      "Access-Control-Allow-Headers": "accept, content-type, authorization",
    ]
  }
}

extension HTTPResponse {
  /// The answer with the headers of its origin.
  func adding(_ cors: CORSHeaders) -> HTTPResponse {
    var response = self
    response.headers.add(contentsOf: cors.headers)
    return response
  }
}
