// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// The methods that `/v2/keys` allows.
public enum KeysMethod: String, Sendable, CaseIterable {
  case head = "HEAD"
  case get = "GET"
  case put = "PUT"
  case post = "POST"
  case delete = "DELETE"
}

/// What a request to `/v2/keys` asks for.
public enum KeysCall: Sendable, Equatable {
  /// One request with one answer; with `noValueOnSuccess` a success carries only its action.
  case perform(KeysRequest, noValueOnSuccess: Bool)
  /// A watch, answered by a stream of events.
  case watch(KeysWatch)
}

/// Turns HTTP requests to `/v2/keys` into calls, or into the error that the original answers.
///
/// Every parameter is checked on every method, in a fixed order; nothing is proposed when one is wrong.
/// Source: etcd v2.3.8 `etcdserver/etcdhttp/client.go` `parseKeyRequest`; specs §2, §4.
public enum KeysRequestParser {
  /// The largest body that can be a form; a server need not read further to answer ``formTooLarge``.
  public static let maximumFormBytes = FormValues.maximumBodyBytes

  /// The `Content-Type` of forms.
  public static let formType = FormValues.contentType

  /// The answer to a form above the limit.
  public static let formTooLarge = EtcdError(.invalidForm, cause: FormValues.bodyTooLarge.message)

  /// Reads a request.
  ///
  /// - Parameters:
  ///   - method: The method.
  ///   - key: The key as ``RequestTarget/key`` gives it.
  ///   - query: The encoded query, without `?`.
  ///   - contentType: The `Content-Type` header, if there is one.
  ///   - body: The body, which only counts for PUT and POST of forms.
  /// - Returns: What to do.
  /// - Throws: ``EtcdError`` with index 0.
  public static func parse(
    _ method: KeysMethod,
    key: String,
    query: String = "",
    contentType: String? = nil,
    body: [UInt8] = []
  ) throws(EtcdError) -> KeysCall {
    let parameters = try KeysParameters(method, try form(method, query, contentType, body))
    let key = NodeKey.cleaned(key)
    guard NodeKey.isWithinLimits(key) else {
      let limits = "\(NodeKey.maximumBytes) bytes and \(NodeKey.maximumElements) elements"
      throw EtcdError(.invalidField, cause: "the key exceeds the limit of \(limits)")
    }
    return call(method, key, parameters)
  }

  /// Whether a request reaches below its key, by its parameter `recursive`, whatever the method makes of it.
  ///
  /// - Throws: ``EtcdError`` where ``parse(_:key:query:contentType:body:)`` does too.
  public static func asksRecursively(
    _ method: KeysMethod,
    query: String,
    contentType: String? = nil,
    body: [UInt8] = []
  ) throws(EtcdError) -> Bool {
    try KeysParameters(method, try form(method, query, contentType, body)).recursive
  }

  private static func form(
    _ method: KeysMethod,
    _ query: String,
    _ contentType: String?,
    _ body: [UInt8]
  ) throws(EtcdError) -> FormValues {
    do throws(FormError) {
      switch method {
      case .put, .post: return try FormValues(contentType: contentType, body: body, query: query)
      case .head, .get, .delete: return try FormValues(query: query)
      }
    } catch {
      throw EtcdError(.invalidForm, cause: error.message)
    }
  }

  private static func call(_ method: KeysMethod, _ key: String, _ parameters: KeysParameters) -> KeysCall {
    switch method {
    case .get where parameters.wait:
      return .watch(
        KeysWatch(
          key: key,
          recursive: parameters.recursive,
          waitIndex: parameters.waitIndex,
          stream: parameters.stream
        )
      )
    case .get, .head:
      let read = KeysRead(recursive: parameters.recursive, sorted: parameters.sorted, quorum: parameters.quorum)
      return .perform(.read(key: key, read), noValueOnSuccess: false)
    case .put:
      let write = parameters.put
      let patience = write.refreshedSeconds == nil ? .zero : parameters.patience
      return .perform(.write(key: key, write, patience: patience), noValueOnSuccess: parameters.noValueOnSuccess)
    case .post:
      let write = KeysWrite.createInOrder(
        value: parameters.value,
        isDirectory: parameters.isDirectory,
        ttl: parameters.ttl
      )
      return .perform(.write(key: key, write), noValueOnSuccess: parameters.noValueOnSuccess)
    case .delete:
      return .perform(.write(key: key, parameters.delete), noValueOnSuccess: false)
    }
  }
}
