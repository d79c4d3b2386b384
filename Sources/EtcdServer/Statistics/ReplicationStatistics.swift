// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Raft
import Synchronization

/// What goes in and out of the replica, counted on its thread and read by anyone.
final class ReplicationStatistics: Sendable {
  private let state = Mutex(State())

  private struct State {
    var sent = TrafficMeter()
    var received = TrafficMeter()
    var followers: [MemberID: FollowerMeter] = [:]
  }

  /// Counts messages on their way out.
  func recordSent(_ messages: [Message]) {
    let now = Clocks.monotonicNanoseconds()
    state.withLock { state in
      for message in messages {
        guard case .append(let request) = message.body else { continue }
        state.sent.record(bytes: request.sizeBytes, at: now)
        if let last = request.entries.last {
          state.followers[message.to, default: FollowerMeter()].sent(through: last.index, at: now)
        }
      }
    }
  }

  /// Counts messages on their way in.
  func recordReceived(_ messages: [Message]) {
    let now = Clocks.monotonicNanoseconds()
    state.withLock { state in
      for message in messages {
        switch message.body {
        case .append(let request): state.received.record(bytes: request.sizeBytes, at: now)
        case .appendResponse(.accepted(let match)):
          state.followers[message.from]?.acknowledged(through: match, at: now)
        case .appendResponse(.rejected): state.followers[message.from]?.rejected()
        default: break
        }
      }
    }
  }

  /// Begins anew with the followers: the member has become leader.
  func forgetFollowers() {
    state.withLock { $0.followers = [:] }
  }

  /// The traffic of append requests in and out.
  func traffic() -> (received: AppendTraffic, sent: AppendTraffic) {
    let now = Clocks.monotonicNanoseconds()
    return state.withLock { ($0.received.traffic(at: now), $0.sent.traffic(at: now)) }
  }

  /// How replication to some followers goes, in their order.
  func followers(_ members: [MemberID]) -> [FollowerStatistics] {
    state.withLock { state in
      members.map { (state.followers[$0] ?? FollowerMeter()).statistics(of: $0) }
    }
  }
}

extension AppendRequest {
  fileprivate var sizeBytes: Int { entries.reduce(64) { $0 + $1.sizeBytes } }
}
