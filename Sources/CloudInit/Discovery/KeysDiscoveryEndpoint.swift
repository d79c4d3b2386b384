// SPDX-License-Identifier: Apache-2.0
import EtcdStore
public import EtcdWire

/// A discovery token reached through a keys client.
public struct KeysDiscoveryEndpoint: DiscoveryEndpoint {
  private let keys: any KeysAPI
  private let foreignAnswer: @Sendable () async -> String?

  /// Makes the endpoint of a token from a client whose root is the token's directory.
  ///
  /// `foreignAnswer` asks once more for the size, when no answer could be understood, and says what the server answers if
  /// that is none of a keys API; nil when it does not answer, fails, or is one.
  public init(keys: any KeysAPI, foreignAnswer: @escaping @Sendable () async -> String? = { nil }) {
    self.keys = keys
    self.foreignAnswer = foreignAnswer
  }

  /// Sends one request through the keys client.
  public func answer(to request: DiscoveryRequest) async -> DiscoveryAnswer {
    let key = "/" + request.relativePath
    do {
      switch request {
      case .readSize, .readMembers:
        return answer(try await keys.get(key))
      case .register(_, let value):
        return answer(try await keys.create(key, value))
      case .awaitChange(let index):
        return await change(of: key, from: index)
      }
    } catch {
      // Only the first answer tells whom one speaks to; later ones may be those of a proxy that is tired.
      if request == .readSize, case .unreachable = answer(error), let answer = await foreignAnswer() {
        return .malformed(answer)
      }
      return answer(error)
    }
  }

  private func change(of key: String, from index: EtcdIndex) async -> DiscoveryAnswer {
    for await update in keys.updates(of: KeysWatch(key: key, recursive: true, waitIndex: index, stream: false)) {
      switch update {
      case .started: continue
      case .event(let event): return .event(event, etcdIndex: event.etcdIndex)
      case .failed(let error): return answer(error)
      case .closed: return .unreachable("the watch ended")
      }
    }
    return .unreachable("the watch ended")
  }

  private func answer(_ reply: KeysReply) -> DiscoveryAnswer {
    .event(reply.event, etcdIndex: reply.event.etcdIndex)
  }

  private func answer(_ error: EtcdError) -> DiscoveryAnswer {
    switch error.code {
    case .raftInternal, .leaderElection: .unreachable(error.cause)
    case .keyNotFound, .testFailed, .notFile, .notDirectory, .nodeExists, .rootReadOnly, .directoryNotEmpty,
      .unauthorized, .previousValueRequired, .ttlNotANumber, .indexNotANumber, .invalidField, .invalidForm,
      .refreshValue, .refreshTTLRequired, .eventIndexCleared:
      .refused(error)
    }
  }
}
