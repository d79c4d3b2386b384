// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Synchronization

@testable import CloudInit

/// A discovery token in memory, with requests that can be made to fail.
final class InMemoryDiscovery: DiscoveryEndpoint {
  private struct State {
    var index: UInt64 = 100
    var size: String?
    var members: [Registration] = []
    var requests: [DiscoveryRequest] = []
    var waiting: [CheckedContinuation<DiscoveryAnswer, Never>] = []
    var failures: [@Sendable (DiscoveryRequest) -> DiscoveryAnswer?] = []
  }

  private let state: Mutex<State>

  init(size: String?) {
    state = Mutex(State(size: size))
  }

  var requests: [DiscoveryRequest] { state.withLock { $0.requests } }

  /// Answers the next request that `answer` takes without looking at the token.
  func failNext(_ answer: @escaping @Sendable (DiscoveryRequest) -> DiscoveryAnswer?) {
    state.withLock { $0.failures.append(answer) }
  }

  /// Registers a member from elsewhere.
  func register(_ id: String, _ value: String) {
    let waiting = state.withLock { state in
      state.index += 1
      state.members.append(Registration(id: id, value: value, createdIndex: EtcdIndex(state.index)))
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume(returning: answer(value: value)) }
  }

  func answer(to request: DiscoveryRequest) async -> DiscoveryAnswer {
    let failures = state.withLock { state in
      state.requests.append(request)
      return state.failures
    }
    for (offset, failure) in failures.enumerated() {
      guard let answer = failure(request) else { continue }
      state.withLock { _ = $0.failures.remove(at: offset) }
      return answer
    }
    switch request {
    case .readSize:
      guard let size = state.withLock({ $0.size }) else { return .refused(EtcdError(.keyNotFound)) }
      return answer(value: size)
    case .readMembers: return directory()
    case .register(let id, let value):
      if state.withLock({ state in state.members.contains { $0.id == id } }) { return .refused(EtcdError(.nodeExists)) }
      register(id, value)
      return answer(value: value)
    case .awaitChange(let index):
      return await withCheckedContinuation { continuation in
        let isPast = state.withLock { state in
          if state.index >= index.rawValue { return true }
          state.waiting.append(continuation)
          return false
        }
        if isPast { continuation.resume(returning: answer(value: "")) }
      }
    }
  }

  private func answer(value: String) -> DiscoveryAnswer {
    let index = state.withLock { EtcdIndex($0.index) }
    let node = NodeView(key: "/x", value: value, modifiedIndex: index, createdIndex: index)
    return .event(Event(action: .get, node: node, etcdIndex: index), etcdIndex: index)
  }

  private func directory() -> DiscoveryAnswer {
    let (members, index) = state.withLock { ($0.members, EtcdIndex($0.index)) }
    let nodes = members.map {
      NodeView(key: "/_etcd/registry/t/\($0.id)", value: $0.value, createdIndex: $0.createdIndex)
    }
    let node = NodeView(key: "/_etcd/registry/t", isDirectory: true, nodes: nodes)
    return .event(Event(action: .get, node: node, etcdIndex: index), etcdIndex: index)
  }
}
