// SPDX-License-Identifier: Apache-2.0
import EtcdStore
public import EtcdWire

/// A discovery token reached through a keys client.
public struct KeysDiscoveryEndpoint: DiscoveryEndpoint {
  private let keys: any KeysAPI

  /// Makes the endpoint of a token from a client whose root is the token's directory.
  public init(keys: any KeysAPI) {
    self.keys = keys
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
