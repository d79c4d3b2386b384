// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Synchronization

/// The connections of a server, so that it can stop.
final class OpenConnections: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
  }

  private let state = Mutex(State())
  private let maximum: Int

  init(maximum: Int) {
    self.maximum = maximum
  }

  var count: Int { state.withLock { $0.channels.count } }

  /// Takes up a new connection.
  ///
  /// - Returns: false when there are too many, or the server stops.
  func add(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    let isTaken = state.withLock { state in
      guard !state.isDraining, state.channels.count < maximum else { return false }
      state.channels[id] = channel
      return true
    }
    if isTaken {
      channel.closeFuture.whenComplete { [self] _ in
        state.withLock { _ = $0.channels.removeValue(forKey: id) }
      }
    }
    return isTaken
  }

  /// Takes no more connections and tells those there are to end.
  ///
  /// - Returns: The connections that were open.
  func drain() -> [any Channel] {
    let channels = state.withLock { state in
      state.isDraining = true
      return Array(state.channels.values)
    }
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ServerDraining()) }
    return channels
  }
}
