// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// Calls the store and gives up in time.
///
/// A request that was on its way when the store's leader died may never be answered; a loop that waited for it would
/// sleep through the store's recovery. A write that timed out may still happen: callers look again before they retry.
struct StoreCaller: Sendable {
  let keys: any KeysAPI
  let clock: any FleetClock
  let timeout: Duration

  /// Carries out one request.
  ///
  /// - Throws: ``EtcdError`` of the store, or 300 when there was no answer in time or the task was cancelled.
  func perform(_ request: KeysRequest, within limit: Duration? = nil) async throws(EtcdError) -> KeysReply {
    let result = SingleResult<Result<KeysReply, EtcdError>>()
    keys.perform(request) { result.fulfil($0) }
    let timeout = limit ?? timeout
    let answer = await withTaskGroup(of: Result<KeysReply, EtcdError>?.self) { group in
      group.addTask { await result.value() }
      group.addTask { [clock] in
        try? await clock.sleep(for: timeout)
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    guard let answer else { throw EtcdError(.raftInternal, cause: "the store did not answer within \(timeout)") }
    return try answer.get()
  }

  /// Makes one write; the limit counts from the end of its patience.
  func write(
    _ key: String,
    _ write: KeysWrite,
    patience: Duration = .zero,
    within limit: Duration? = nil
  ) async throws(EtcdError) -> EtcdIndex {
    let request = KeysRequest.write(key: key, write, patience: patience)
    return try await perform(request, within: (limit ?? timeout) + patience).event.etcdIndex
  }

  /// Makes several writes at once, in no particular order.
  ///
  /// - Returns: The greatest index.
  /// - Throws: One of the errors; the other writes are made all the same.
  func writeAll(_ writes: [(key: String, write: KeysWrite)]) async throws(EtcdError) -> EtcdIndex {
    let results = await BoundedTasks.run(writes, atOnce: writes.count) { entry in
      do throws(EtcdError) {
        return Result<EtcdIndex, EtcdError>.success(try await write(entry.key, entry.write))
      } catch {
        return .failure(error)
      }
    }
    var newest = EtcdIndex.zero
    for result in results { newest = max(newest, try result.get()) }
    return newest
  }
}

extension EtcdError {
  /// Whether the store itself answered, so that the outcome is known.
  var isFromStore: Bool { code != .raftInternal && code != .leaderElection }
}
