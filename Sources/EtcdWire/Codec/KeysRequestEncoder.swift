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
///
/// Shape: names in the order of their bytes, as the original's client sends them, so that what `etcdctl --debug` shows
/// is the same.
/// Source: etcd v3.4.23 `client/keys.go`.
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
    case .write(let key, let write, let patience):
      var request = encode(write, key)
      if write.refreshedSeconds != nil, let word = KeysPatience.word(for: patience) {
        request.form = [KeysPatience.name + "=" + word, request.form].compactMap(\.self).joined(separator: "&")
      }
      return request
    }
  }

  /// Encodes a watch.
  public static func encode(_ watch: KeysWatch) -> EncodedKeysRequest {
    var query = [("recursive", watch.recursive ? "true" : "false"), ("wait", "true")]
    if watch.stream { query.append(("stream", "true")) }
    query.append(("waitIndex", (watch.waitIndex ?? .zero).description))
    return EncodedKeysRequest(method: .get, target: target(watch.key, query), form: nil)
  }

  private static func encode(_ write: KeysWrite, _ key: String) -> EncodedKeysRequest {
    switch write {
    case .set(let value, let isDirectory, let ttl, let refresh):
      return put(key, directory(isDirectory), content(isDirectory ? nil : value, ttl, refresh))
    case .create(let value, let isDirectory, let ttl):
      let query = directory(isDirectory) + [("prevExist", "false")]
      return put(key, query, content(isDirectory ? nil : value, ttl))
    case .createInOrder(let value, let isDirectory, let ttl):
      let form = formText(content(isDirectory ? nil : value, ttl))
      return EncodedKeysRequest(method: .post, target: target(key, directory(isDirectory)), form: form)
    case .update(let value, let ttl, let refresh):
      // Nothing but a directory is updated without a value, unless it is refreshed.
      return put(key, directory(value == nil && !refresh) + [("prevExist", "true")], content(value, ttl, refresh))
    case .compareAndSwap(let value, let comparison, let ttl, let refresh):
      return put(key, query(comparison), content(value, ttl, refresh))
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

  private static func directory(_ isDirectory: Bool) -> [(String, String)] {
    isDirectory ? [("dir", "true")] : []
  }

  private static func query(_ comparison: Comparison) -> [(String, String)] {
    var query: [(String, String)] = []
    if let index = comparison.previousIndex { query.append(("prevIndex", index.description)) }
    if let value = comparison.previousValue { query.append(("prevValue", value)) }
    return query
  }

  private static func content(_ value: String?, _ ttl: TTLChange, _ refresh: Bool = false) -> [(String, String)] {
    var form: [(String, String)] = []
    if refresh { form.append(("refresh", "true")) }
    if case .seconds(let seconds) = ttl { form.append(("ttl", String(seconds))) }
    // A refresh with a value is refused.
    if let value, !refresh { form.append(("value", value)) }
    return form
  }

  private static func target(_ key: String, _ query: [(String, String)]) -> String {
    let path = "/v2/keys" + PercentCoding.encodedPath(key)
    return query.isEmpty ? path : path + "?" + formText(query)
  }

  private static func formText(_ pairs: [(String, String)]) -> String {
    pairs.map { $0 + "=" + PercentCoding.encodedFormValue($1).replacing("%20", with: "+") }.joined(separator: "&")
  }
}
