// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// The same port for control loops, which await instead of passing closures.
extension KeysAPI {
  /// Carries out one request and waits for its answer.
  ///
  /// - Throws: ``EtcdError`` as the store or the way to it reports it.
  public func perform(_ request: KeysRequest) async throws(EtcdError) -> KeysReply {
    let result: Result<KeysReply, EtcdError> = await withCheckedContinuation { continuation in
      perform(request) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Reads a key.
  ///
  /// - Throws: ``EtcdError``, 100 when the key is missing.
  public func get(
    _ key: String,
    recursive: Bool = false,
    sorted: Bool = false,
    quorum: Bool = false
  ) async throws(EtcdError) -> KeysReply {
    try await perform(.read(key: key, KeysRead(recursive: recursive, sorted: sorted, quorum: quorum)))
  }

  /// Creates or replaces a file.
  ///
  /// - Throws: ``EtcdError`` as for `PUT`.
  @discardableResult
  public func set(_ key: String, _ value: String, ttl: TTLChange = .permanent) async throws(EtcdError) -> KeysReply {
    try await perform(.write(key: key, .set(value: value, isDirectory: false, ttl: ttl, refresh: false)))
  }

  /// Gives a file a new time to live without waking watchers.
  ///
  /// With patience the store may keep it back for so long, to write it together with others.
  ///
  /// - Throws: ``EtcdError``, 100 when the key is missing.
  @discardableResult
  public func refresh(
    _ key: String,
    ttlSeconds: UInt64,
    patience: Duration = .zero
  ) async throws(EtcdError) -> KeysReply {
    try await perform(
      .write(key: key, .update(value: nil, ttl: .seconds(ttlSeconds), refresh: true), patience: patience)
    )
  }

  /// Creates a file.
  ///
  /// - Throws: ``EtcdError``, 105 when the key exists.
  @discardableResult
  public func create(_ key: String, _ value: String, ttl: TTLChange = .permanent) async throws(EtcdError) -> KeysReply {
    try await perform(.write(key: key, .create(value: value, isDirectory: false, ttl: ttl)))
  }

  /// Changes a file that exists.
  ///
  /// - Throws: ``EtcdError``, 100 when the key is missing.
  @discardableResult
  public func update(_ key: String, _ value: String, ttl: TTLChange = .permanent) async throws(EtcdError) -> KeysReply {
    try await perform(.write(key: key, .update(value: value, ttl: ttl, refresh: false)))
  }

  /// Changes a file when the condition holds.
  ///
  /// - Throws: ``EtcdError``, 101 when it does not.
  @discardableResult
  public func compareAndSwap(
    _ key: String,
    _ value: String,
    where comparison: Comparison,
    ttl: TTLChange = .permanent
  ) async throws(EtcdError) -> KeysReply {
    try await perform(
      .write(key: key, .compareAndSwap(value: value, comparison: comparison, ttl: ttl, refresh: false))
    )
  }

  /// Removes a file, or a whole tree.
  ///
  /// - Throws: ``EtcdError``, 100 when the key is missing.
  @discardableResult
  public func delete(_ key: String, recursive: Bool = false) async throws(EtcdError) -> KeysReply {
    try await perform(.write(key: key, .delete(isDirectory: recursive, recursive: recursive)))
  }

  /// Removes a file when the condition holds.
  ///
  /// - Throws: ``EtcdError``, 101 when it does not.
  @discardableResult
  public func compareAndDelete(_ key: String, where comparison: Comparison) async throws(EtcdError) -> KeysReply {
    try await perform(.write(key: key, .compareAndDelete(comparison: comparison)))
  }

  /// Watches as a sequence that ends when the watch ends or the consumer's task is cancelled.
  ///
  /// Shape: at most `bufferedUpdates` wait for the consumer; when more would, the sequence ends with
  /// ``KeysWatchUpdate/closed`` having been missed, and the consumer starts over from a read.
  public func updates(of watch: KeysWatch, bufferedUpdates: Int = 1_000) -> AsyncStream<KeysWatchUpdate> {
    AsyncStream(bufferingPolicy: .bufferingOldest(bufferedUpdates)) { continuation in
      let cancellation = self.watch(watch) { update in
        let outcome = continuation.yield(update)
        switch update {
        case .failed, .closed: continuation.finish()
        case .started, .event:
          if case .dropped = outcome { continuation.finish() }
        }
      }
      continuation.onTermination = { _ in cancellation.cancel() }
    }
  }
}
