// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Synchronization

/// The connections of a server, so that it can stop.
final class OpenConnections: Sendable {
  /// What becomes of a new connection.
  enum Admission {
    case taken
    /// There are too many; it is told so.
    case refused
    /// The server stops, or too many are being refused already.
    case closed
  }

  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var refusedCount = 0
    var isDraining = false
  }

  /// Connections that are being told at the same time that there is no room.
  private static let maximumRefused = 256

  private let state = Mutex(State())
  private let maximum: Int

  init(maximum: Int) {
    self.maximum = maximum
  }

  var count: Int { state.withLock { $0.channels.count } }

  /// Takes up a new connection.
  ///
  /// - Returns: Whether there is room.
  func add(_ channel: any Channel) -> Admission {
    let id = ObjectIdentifier(channel)
    let admission = state.withLock { state -> Admission in
      if state.isDraining { return .closed }
      if state.channels.count < maximum {
        state.channels[id] = channel
        return .taken
      }
      guard state.refusedCount < Self.maximumRefused else { return .closed }
      state.refusedCount += 1
      return .refused
    }
    channel.closeFuture.whenComplete { [self] _ in
      state.withLock { state in
        switch admission {
        case .taken: state.channels.removeValue(forKey: id)
        case .refused: state.refusedCount -= 1
        case .closed: break
        }
      }
    }
    return admission
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
