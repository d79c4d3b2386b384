// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import Raft
import Synchronization

/// Decides who may open a stream to this member, and knows the streams that stand.
final class PeerGate: Sendable {
  let cluster: ClusterID
  let member: MemberID
  private let state = Mutex(State())

  private struct State {
    var removed: Set<MemberID> = []
    var streams: [MemberID: any Channel] = [:]
  }

  init(cluster: ClusterID, member: MemberID) {
    self.cluster = cluster
    self.member = member
  }

  /// Checks the headers of a request for a stream.
  func admit(_ headers: HTTPHeaders) -> Result<MemberID, HandshakeRefusal> {
    let removed = state.withLock { $0.removed }
    return PeerHandshake.admit(headers, clusterID: cluster, memberID: member) { removed.contains($0) }
  }

  /// Takes note of a stream; an older one of the same peer is closed, since its other end is gone or about to be.
  ///
  /// `lost` is called when the stream ends and no newer one stands.
  func opened(_ channel: any Channel, from peer: MemberID, lost: @escaping @Sendable (MemberID) -> Void) {
    let older = state.withLock { $0.streams.updateValue(channel, forKey: peer) }
    older?.close(promise: nil)
    channel.closeFuture.whenComplete { _ in
      let isLost = self.state.withLock { state in
        guard state.streams[peer] === channel else { return false }
        state.streams.removeValue(forKey: peer)
        return true
      }
      if isLost { lost(peer) }
    }
  }

  /// Closes the streams of members that were removed, and refuses them from now on.
  func refuse(_ removed: Set<MemberID>) {
    let closing = state.withLock { state in
      state.removed = removed
      return state.streams.filter { removed.contains($0.key) }.map(\.value)
    }
    for channel in closing { channel.close(promise: nil) }
  }

  /// Closes all streams.
  func closeAll() {
    let closing = state.withLock { Array($0.streams.values) }
    for channel in closing { channel.close(promise: nil) }
  }
}
