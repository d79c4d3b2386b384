// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// A read of one key.
public struct KeysRead: Sendable, Equatable {
  /// Whether the whole visible tree below a directory is listed.
  public var recursive: Bool
  /// Whether listings are in bytewise order of their keys.
  public var sorted: Bool
  /// Whether the read is linearizable instead of local.
  public var quorum: Bool

  /// Makes a read.
  public init(recursive: Bool = false, sorted: Bool = false, quorum: Bool = false) {
    self.recursive = recursive
    self.sorted = sorted
    self.quorum = quorum
  }
}

/// One request on one key.
///
/// Keys are absolute and clean: `/` or `/a/b`, no trailing slash.
public enum KeysRequest: Sendable, Equatable {
  /// Reads a key.
  case read(key: String, KeysRead)
  /// Writes a key.
  ///
  /// A refresh of an existing key (``KeysWrite/refreshedSeconds``) may come with patience: so long the store may keep it
  /// back, to make one entry of its log of many. Other writes are never kept back, nor are refreshes without patience, and
  /// a store that knows nothing of patience answers at once.
  case write(key: String, KeysWrite, patience: Duration = .zero)
}

/// A successful answer with what its headers need.
public struct KeysReply: Sendable, Equatable {
  /// What happened; `event.etcdIndex` is the `X-Etcd-Index`.
  public var event: Event
  /// `X-Raft-Index`; 0 when the store is remote and did not say.
  public var raftIndex: UInt64
  /// `X-Raft-Term`; 0 when the store is remote and did not say.
  public var raftTerm: UInt64

  /// Makes a reply.
  public init(event: Event, raftIndex: UInt64, raftTerm: UInt64) {
    self.event = event
    self.raftIndex = raftIndex
    self.raftTerm = raftTerm
  }
}

/// A watch on one key.
public struct KeysWatch: Sendable, Equatable {
  /// The watched key; it need not exist.
  public var key: String
  /// Whether events below the key count too.
  public var recursive: Bool
  /// First index of interest; nil means "from now on".
  public var waitIndex: EtcdIndex?
  /// Whether the watch goes on after its first event.
  public var stream: Bool

  /// Makes a watch.
  public init(key: String, recursive: Bool, waitIndex: EtcdIndex? = nil, stream: Bool) {
    self.key = key
    self.recursive = recursive
    self.waitIndex = waitIndex
    self.stream = stream
  }
}

/// What a watch delivers, in order: `started` once, then events, then at most one of `failed` and `closed`.
public enum KeysWatchUpdate: Sendable, Equatable {
  /// The watch stands; a reply whose event only matters for its indexes (`X-Etcd-Index` when registered).
  case started(etcdIndex: EtcdIndex, raftIndex: UInt64, raftTerm: UInt64)
  /// A matching event.
  case event(Event)
  /// The watch could not be made or went wrong (401: history cleared). Nothing follows.
  case failed(EtcdError)
  /// The watcher was too slow, the store stopped, or a one-shot watch had its event. Nothing follows.
  case closed
}

/// Ends a watch; safe to call from any thread, more than once, and after the watch has ended.
public struct KeysWatchCancellation: Sendable {
  private let action: @Sendable () -> Void

  /// Makes a cancellation from what ends the watch.
  public init(_ action: @escaping @Sendable () -> Void) {
    self.action = action
  }

  /// Ends the watch; no update is delivered once this has returned on the delivering thread.
  public func cancel() {
    action()
  }
}

/// The one port through which everything above the store sees it, local or remote.
///
/// Concurrency: both calls return at once and may be made from any thread; answers come exactly once, on a thread of
/// the implementation's choice, which must not be blocked.
public protocol KeysAPI: Sendable {
  /// Carries out one request.
  ///
  /// Errors that come from no store error (timeouts, no leader, connection lost) arrive as
  /// ``EtcdErrorCode/raftInternal`` with the reason as cause.
  func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void)

  /// Carries out one request whose answer is wanted on a thread of the caller's.
  ///
  /// The answers that become known together are handed to the carrier together; an error may also come at once, on
  /// any thread.
  func perform(
    _ request: KeysRequest,
    carrier: any AnswerCarrier,
    answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void
  )

  /// Watches a key until cancelled or ended.
  func watch(_ watch: KeysWatch, deliver: @escaping @Sendable (KeysWatchUpdate) -> Void) -> KeysWatchCancellation

  /// Watches a key; updates are wanted on a thread of the caller's, as for ``perform(_:carrier:answer:)``.
  func watch(
    _ watch: KeysWatch,
    carrier: any AnswerCarrier,
    deliver: @escaping @Sendable (KeysWatchUpdate) -> Void
  ) -> KeysWatchCancellation
}

extension KeysAPI {
  /// Carries out one request; stores that answer one by one need no carrier.
  public func perform(
    _ request: KeysRequest,
    carrier: any AnswerCarrier,
    answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void
  ) {
    perform(request, answer: answer)
  }

  /// Watches a key; stores that deliver one by one need no carrier.
  public func watch(
    _ watch: KeysWatch,
    carrier: any AnswerCarrier,
    deliver: @escaping @Sendable (KeysWatchUpdate) -> Void
  ) -> KeysWatchCancellation {
    self.watch(watch, deliver: deliver)
  }
}

/// Brings answers to the thread on which they are wanted.
public protocol AnswerCarrier: AnyObject, Sendable {
  /// Equal for carriers that lead to the same thread.
  var destination: ObjectIdentifier { get }

  /// Takes over calls to be made there, in their order; returns at once.
  func carry(_ calls: [@Sendable () -> Void])
}
