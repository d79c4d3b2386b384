// SPDX-License-Identifier: Apache-2.0
import EtcdWire

@testable import Differential

// Recorded requests as parser, store and codec see them.
extension RecordedExchange {
  /// Whether it is a request to `/v2/keys` in one of its methods.
  var isForKeys: Bool {
    let path = request.target.prefix { $0 != "?" }
    return (path == "/v2/keys" || path.hasPrefix("/v2/keys/")) && KeysMethod(rawValue: request.method) != nil
  }

  var body: String { request.body ?? "" }

  var contentType: String? {
    let field = "Content-Type:"
    return request.headers.first { $0.hasPrefix(field) }.map { String($0.dropFirst(field.count).drop { $0 == " " }) }
  }

  /// `X-Etcd-Index`; nil when it was not recorded.
  var etcdIndex: UInt64? { answer["x-etcd-index"].flatMap { UInt64($0) } }

  /// The recorded JSON; empty for HEAD and redirects.
  var json: String { answer.text.hasPrefix("{") ? answer.text : "" }
}
