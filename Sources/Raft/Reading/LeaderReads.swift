// SPDX-License-Identifier: Apache-2.0

/// Reads waiting at a leader (ReadIndex; dissertation, section 6.4).
///
/// A batch of reads takes the commit index of the moment it arrives, and is released once a majority has answered a
/// heartbeat sent after that: only then is it certain that no later leader had committed anything before the moment.
/// Of three members, a follower that asks and the leader are a majority already, and nothing waits.
struct LeaderReads: Sendable {
  /// Who asked.
  enum Origin: Sendable {
    case own([ReadRequest])
    case peer(MemberID, batch: UInt64)
  }

  struct Waiting: Sendable {
    var origin: Origin
    /// The round whose answers release it.
    var round: UInt64
    var index: LogIndex
  }

  /// The latest round sent.
  var round: UInt64 = 0
  /// Before an entry of its own term is committed a leader does not know the commit index: these wait for it.
  var held: [Origin] = []
  /// In order of round.
  var waiting: [Waiting] = []

  /// Batches of peers that are held or waiting; a peer asks again when an answer is late.
  private var peerBatches: Set<PeerBatch> = []

  private struct PeerBatch: Hashable {
    var peer: MemberID
    var batch: UInt64
  }

  /// Notes a peer's batch; false when it is here already.
  mutating func admit(_ batch: UInt64, from peer: MemberID) -> Bool {
    peerBatches.insert(PeerBatch(peer: peer, batch: batch)).inserted
  }

  /// Takes what a round has confirmed.
  mutating func takeConfirmed(_ round: UInt64) -> [Waiting] {
    let count = waiting.prefix { $0.round <= round }.count
    let confirmed = Array(waiting.prefix(count))
    waiting.removeFirst(count)
    for case .peer(let peer, let batch) in confirmed.map(\.origin) {
      peerBatches.remove(PeerBatch(peer: peer, batch: batch))
    }
    return confirmed
  }

  /// Takes this member's own reads, for telling their host that they are lost.
  mutating func takeOwn() -> [ReadRequest] {
    let origins = held + waiting.map(\.origin)
    held = []
    waiting = []
    return origins.flatMap { (origin) -> [ReadRequest] in
      if case .own(let reads) = origin { reads } else { [] }
    }
  }

  var count: Int { held.count + waiting.count }
}

/// Reads a follower has passed on to the leader.
struct ForwardedReads: Sendable {
  struct Batch: Sendable {
    var number: UInt64
    var reads: [ReadRequest]
    var waitedTicks = 0
  }

  /// The number of the next batch.
  ///
  /// It begins at a random one, so that an answer to an earlier run of this member is not
  /// taken for one to this run.
  var nextBatch: UInt64 = 0
  var batches: [Batch] = []

  var count: Int { batches.reduce(0) { $0 + $1.reads.count } }
}
