// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
public import EtcdStore
public import EtcdWire
public import NIOCore
import NIOHTTP1

/// A store behind HTTP: coracle's own, or any etcd that speaks v2.
///
/// Reads and refreshes go on to the next endpoint when one fails; other writes only when they cannot have been carried
/// out, and are answered with error 300 else.
public final class EtcdClient: KeysAPI {
  let pool: EndpointPool
  let requestTimeout: TimeAmount
  let localTimeout: TimeAmount
  let listingTimeout: TimeAmount
  private let keysPath: String

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - endpoints: Client URLs, tried in order; at least one.
  ///   - transport: The connections, which outlive the client.
  ///   - credentials: The user, for stores with authentication.
  ///   - requestTimeout: How long an answer's head may take; a server gives up on a write after 7 s.
  ///   - localTimeout: How long answers that need no majority may take; nil takes `requestTimeout`.
  ///   - listingTimeout: How long listings of whole directories may take, which may be long; nil takes what others may.
  ///   - keysPath: What keys are appended to; a discovery URL hides the real path behind its own.
  ///   - trace: Hears of each request.
  public init(
    endpoints: [Endpoint],
    transport: HTTPTransport,
    credentials: Credentials? = nil,
    requestTimeout: TimeAmount = .seconds(10),
    localTimeout: TimeAmount? = nil,
    listingTimeout: TimeAmount? = nil,
    keysPath: String = EtcdClient.usualKeysPath,
    trace: RequestTrace? = nil
  ) {
    self.keysPath = keysPath
    pool = EndpointPool(endpoints, transport: transport, credentials: credentials, trace: trace)
    self.requestTimeout = requestTimeout
    self.localTimeout = localTimeout ?? requestTimeout
    self.listingTimeout = listingTimeout ?? .zero
  }

  /// Where the keys of every etcd v2 server are.
  public static let usualKeysPath = "/v2/keys"

  /// The endpoints, in their order.
  public var endpoints: [Endpoint] { pool.endpoints }

  /// Ends all watches, as a server that stops does: other servers have taken the place of these.
  public func becomeOutdated() { pool.becomeOutdated() }

  /// Carries out one request.
  public func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    let promise = pool.transport.group.any().makePromise(of: Result<KeysReply, EtcdError>.self)
    promise.completeWithTask { await self.result(of: request) }
    promise.futureResult.whenSuccess(answer)
  }

  /// Watches a key until cancelled or ended.
  ///
  /// A stream is a chain of long polls, each from the index after the last event: real etcd loses events of its own
  /// streams when their reader is slow, and stalls those that start in the past (specs/etcd-v2.md §23).
  public func watch(
    _ watch: KeysWatch,
    deliver: @escaping @Sendable (KeysWatchUpdate) -> Void
  ) -> KeysWatchCancellation {
    let promise = pool.transport.group.any().makePromise(of: Void.self)
    let task = promise.completeWithTask { await self.follow(watch, deliver) }
    return KeysWatchCancellation { task.cancel() }
  }

  private func result(of request: KeysRequest) async -> Result<KeysReply, EtcdError> {
    do throws(EtcdError) {
      var outgoing = outgoing(KeysRequestEncoder.encode(request), isRepeatable: request.isRepeatable)
      outgoing.headTimeout = request.isLocal ? localTimeout : requestTimeout + request.patience
      if request.isListing { outgoing.headTimeout = max(outgoing.headTimeout, listingTimeout) }
      outgoing.isPatient = request.patience > .zero
      let answer = try await send(outgoing)
      let event = try Self.event(in: answer.body, of: answer)
      return .success(
        KeysReply(
          event: event,
          raftIndex: Self.number("x-raft-index", in: answer.headers),
          raftTerm: Self.number("x-raft-term", in: answer.headers)
        )
      )
    } catch {
      return .failure(error)
    }
  }

  private func send(_ request: OutgoingRequest) async throws(EtcdError) -> IncomingAnswer {
    do throws(APIClientError) {
      return try await pool.send(request)
    } catch {
      throw EtcdError(.raftInternal, cause: error.message)
    }
  }

  func outgoing(_ request: EncodedKeysRequest, isRepeatable: Bool) -> OutgoingRequest {
    var path = request.target.dropFirst(Self.usualKeysPath.count)
    // A discovery URL is itself the key of its directory, and no slash follows it.
    if keysPath != Self.usualKeysPath, path == "/" || path.hasPrefix("/?") { path = path.dropFirst() }
    let target = keysPath + path
    var outgoing = OutgoingRequest(method: HTTPMethod(rawValue: request.method.rawValue), target: target)
    outgoing.headTimeout = requestTimeout
    outgoing.isRepeatable = isRepeatable
    if let form = request.form {
      outgoing.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
      outgoing.body = ByteBuffer(string: form)
    }
    return outgoing
  }

  private static func event(in body: ByteBuffer, of answer: IncomingAnswer) throws(EtcdError) -> Event {
    guard (200...201).contains(answer.status.code) else { throw error(in: answer) }
    let index = answer.headers.first(name: "x-etcd-index").flatMap { UInt64($0) }.map { EtcdIndex($0) }
    do throws(JSONError) {
      return try KeysJSON.decodeEvent(body.readableBytesView, etcdIndex: index)
    } catch {
      throw EtcdError(.raftInternal, cause: "client: \(answer.endpoint) answered no event: \(error)")
    }
  }

  /// The error of an answer that is no success, made up from the status when the body has none.
  static func error(in answer: IncomingAnswer) -> EtcdError {
    if let error = try? KeysJSON.decodeError(answer.body.readableBytesView) { return error }
    let message = "client: \(answer.endpoint) answered \(answer.status.code) \(answer.status.reasonPhrase)"
    let cause = answer.excerpt.isEmpty ? message : "\(message): \(answer.excerpt)"
    return EtcdError(answer.status == .unauthorized ? .unauthorized : .raftInternal, cause: cause)
  }

  static func number(_ name: String, in headers: HTTPHeaders) -> UInt64 {
    headers.first(name: name).flatMap { UInt64($0) } ?? 0
  }
}

extension KeysRequest {
  /// Whether any member answers it by itself.
  fileprivate var isLocal: Bool {
    if case .read(_, let read) = self { !read.quorum } else { false }
  }

  /// Whether it reads all that is below a directory.
  fileprivate var isListing: Bool {
    if case .read(_, let read) = self { read.recursive } else { false }
  }

  /// Whether a second execution changes nothing that the first did not.
  fileprivate var isRepeatable: Bool {
    switch self {
    case .read: true
    case .write(_, .set(_, _, _, let refresh), _): refresh
    case .write(_, .update(_, _, let refresh), _): refresh
    case .write(_, .compareAndSwap, _), .write(_, .create, _), .write(_, .createInOrder, _), .write(_, .delete, _),
      .write(_, .compareAndDelete, _):
      false
    }
  }

  /// How much longer than others it may take.
  fileprivate var patience: TimeAmount {
    guard case .write(_, _, let patience) = self else { return .zero }
    return TimeAmount(patience)
  }
}
