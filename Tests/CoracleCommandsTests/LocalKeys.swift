// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Synchronization

@testable import CoracleCommands

/// A store behind the port, answered on the caller's thread, with a clock that stands still.
final class LocalKeys: KeysAPI {
  private struct State {
    var store = Store()
    var hub = WatcherHub()
    var deliveries: [WatcherID: @Sendable (KeysWatchUpdate) -> Void] = [:]
    var lastID: UInt64 = 0
  }

  private let state = Mutex(State())
  private let now = Timestamp(nanosecondsSinceEpoch: 1_795_213_829_000_000_000)

  /// How many watches wait.
  var watcherCount: Int { state.withLock { $0.hub.count } }

  func perform(_ request: KeysRequest, answer: @escaping @Sendable (Result<KeysReply, EtcdError>) -> Void) {
    switch request {
    case .read(let key, let read):
      answer(
        Result { () throws(EtcdError) in
          let event = try state.withLock { (state) throws(EtcdError) in
            try state.store.get(key, recursive: read.recursive, sorted: read.sorted, at: now)
          }
          return KeysReply(event: event, raftIndex: 0, raftTerm: 0)
        }
      )
    case .write(let key, let write, _):
      let (outcome, deliveries) = state.withLock { state in
        let outcome = state.store.apply(.write(key: key, write), at: now)
        let matches = outcome.changes.flatMap { state.hub.notify($0) }
        return (outcome, matches.compactMap { match in state.deliveries[match.watcher].map { ($0, match) } })
      }
      for (deliver, match) in deliveries {
        deliver(.event(match.event))
        if match.isLast { deliver(.closed) }
      }
      if let result = outcome.result { answer(result.map { KeysReply(event: $0, raftIndex: 0, raftTerm: 0) }) }
    }
  }

  func watch(
    _ watch: KeysWatch,
    deliver: @escaping @Sendable (KeysWatchUpdate) -> Void
  ) -> KeysWatchCancellation {
    let wanted = Watch(
      key: watch.key,
      recursive: watch.recursive,
      waitIndex: watch.waitIndex,
      stream: watch.stream
    )
    let (id, registration, etcdIndex) = state.withLock { state in
      state.lastID += 1
      let id = WatcherID(state.lastID)
      state.deliveries[id] = deliver
      return (id, state.hub.register(id, wanted, in: state.store), state.store.etcdIndex)
    }
    deliver(.started(etcdIndex: etcdIndex, raftIndex: 0, raftTerm: 0))
    switch registration {
    case .registered(let history): for event in history { deliver(.event(event)) }
    case .finished(let event):
      deliver(.event(event))
      deliver(.closed)
    case .failed(let error): deliver(.failed(error))
    }
    return KeysWatchCancellation { self.state.withLock { $0.hub.cancel(id) } }
  }
}

/// What a command printed.
final class RecordedOutput: Sendable {
  private let texts = Mutex((out: "", error: ""))

  var output: CommandOutput {
    CommandOutput(
      write: { text in self.texts.withLock { $0.out += text } },
      writeError: { text in self.texts.withLock { $0.error += text } }
    )
  }

  var out: String { texts.withLock { $0.out } }
  var error: String { texts.withLock { $0.error } }
}
