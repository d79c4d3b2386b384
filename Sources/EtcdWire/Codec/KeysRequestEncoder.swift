// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// A request to `/v2/keys`, ready to be sent.
public struct EncodedKeysRequest: Sendable, Equatable {
  /// The method.
  public var method: KeysMethod
  /// Path and query, encoded.
  public var target: String
  /// The form of a PUT or POST (`application/x-www-form-urlencoded`); nil for other methods.
  public var form: String?
}

/// Turns calls into the HTTP requests that ask a remote store for them; the inverse of ``KeysRequestParser``.
public enum KeysRequestEncoder {
  /// Encodes a request.
  public static func encode(_ request: KeysRequest) -> EncodedKeysRequest {
    switch request {
    case .read(let key, let read):
      let query = [("quorum", read.quorum), ("recursive", read.recursive), ("sorted", read.sorted)]
      return EncodedKeysRequest(
        method: .get,
        target: target(key, query.map { ($0.0, $0.1 ? "true" : "false") }),
        form: nil
      )
    case .write(let key, let write):
      return encode(write, key)
    }
  }

  /// Encodes a watch.
  public static func encode(_ watch: KeysWatch) -> EncodedKeysRequest {
    var query = [("wait", "true")]
    if watch.recursive { query.append(("recursive", "true")) }
    if watch.stream { query.append(("stream", "true")) }
    if let index = watch.waitIndex { query.append(("waitIndex", index.description)) }
    return EncodedKeysRequest(method: .get, target: target(watch.key, query), form: nil)
  }

  private static func encode(_ write: KeysWrite, _ key: String) -> EncodedKeysRequest {
    switch write {
    case .set(let value, let isDirectory, let ttl, let refresh):
      return put(key, [], content(value, isDirectory, ttl, refresh))
    case .create(let value, let isDirectory, let ttl):
      return put(key, [("prevExist", "false")], content(value, isDirectory, ttl))
    case .createInOrder(let value, let isDirectory, let ttl):
      let form = formText(content(value, isDirectory, ttl))
      return EncodedKeysRequest(method: .post, target: target(key, []), form: form)
    case .update(let value, let ttl, let refresh):
      return put(key, [("prevExist", "true")], content(value, false, ttl, refresh))
    case .compareAndSwap(let value, let comparison, let ttl, let refresh):
      return put(key, query(comparison), content(value, false, ttl, refresh))
    case .delete(let isDirectory, let recursive):
      let flags = [("dir", isDirectory), ("recursive", recursive)].filter(\.1).map { ($0.0, "true") }
      return EncodedKeysRequest(method: .delete, target: target(key, flags), form: nil)
    case .compareAndDelete(let comparison):
      return EncodedKeysRequest(method: .delete, target: target(key, query(comparison)), form: nil)
    }
  }

  private static func put(
    _ key: String,
    _ query: [(String, String)],
    _ form: [(String, String)]
  ) -> EncodedKeysRequest {
    EncodedKeysRequest(method: .put, target: target(key, query), form: formText(form))
  }

  private static func query(_ comparison: Comparison) -> [(String, String)] {
    var query: [(String, String)] = []
    if let value = comparison.previousValue { query.append(("prevValue", value)) }
    if let index = comparison.previousIndex { query.append(("prevIndex", index.description)) }
    return query
  }

  private static func content(
    _ value: String?,
    _ isDirectory: Bool,
    _ ttl: TTLChange,
    _ refresh: Bool = false
  ) -> [(String, String)] {
    var form: [(String, String)] = []
    // A refresh with a value is refused.
    if let value, !refresh { form.append(("value", value)) }
    if isDirectory { form.append(("dir", "true")) }
    if case .seconds(let seconds) = ttl { form.append(("ttl", String(seconds))) }
    if refresh { form.append(("refresh", "true")) }
    return form
  }

  private static func target(_ key: String, _ query: [(String, String)]) -> String {
    let path = "/v2/keys" + (key == NodeKey.root ? "" : PercentCoding.encodedPath(key))
    return query.isEmpty ? path : path + "?" + formText(query)
  }

  private static func formText(_ pairs: [(String, String)]) -> String {
    pairs.map { $0 + "=" + PercentCoding.encodedFormValue($1) }.joined(separator: "&")
  }
}
