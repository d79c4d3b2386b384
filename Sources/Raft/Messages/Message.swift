// SPDX-License-Identifier: Apache-2.0

/// What one member sends to another.
public struct Message: Sendable, Equatable {
  /// The sender.
  public var from: MemberID
  /// The receiver.
  public var to: MemberID
  /// The sender's term; for a pre-vote request the term it would campaign at.
  public var term: Term
  /// What is said.
  public var body: Body

  /// Makes a message.
  public init(from: MemberID, to: MemberID, term: Term, body: Body) {
    self.from = from
    self.to = to
    self.term = term
    self.body = body
  }

  /// The most bytes an encoded message has; larger ones are neither made nor accepted.
  public static let sizeLimitBytes = 2 * Entry.dataLimitBytes

  /// About as many bytes as the message takes in memory and on the wire, for limits of queues.
  public var approximateBytes: Int {
    let fixed = 64
    switch body {
    case .append(let request): return request.entries.reduce(fixed) { $0 + $1.sizeBytes }
    case .snapshotChunk(let request): return fixed + request.chunk.bytes.count
    case .propose(let proposals): return proposals.reduce(fixed) { $0 + $1.approximateBytes }
    case .changeRefused(let change, let reason): return fixed + change.context.count + reason.utf8.count
    default: return fixed
    }
  }

  /// The kinds of message.
  public enum Body: Sendable, Equatable {
    /// Would you vote for me? (Raft dissertation, section 9.6)
    case preVoteRequest(VoteRequest)
    /// Answer to a pre-vote; `term` is the one asked for when granted, else the receiver's own.
    case preVoteResponse(granted: Bool)
    /// Request for a vote (Raft paper, section 5.2).
    case voteRequest(VoteRequest)
    /// Answer to a request for a vote.
    case voteResponse(granted: Bool)
    /// Entries of the log (section 5.3).
    case append(AppendRequest)
    /// Answer to entries, and what a receiver says after installing a snapshot.
    case appendResponse(AppendResponse)
    /// The leader is alive. `readRound` is what ReadIndex counts answers to; `commitIndex` never exceeds what the
    /// receiver is known to hold.
    case heartbeat(commitIndex: LogIndex, readRound: UInt64)
    /// Answer to a heartbeat.
    case heartbeatResponse(readRound: UInt64)
    /// A piece of a snapshot (section 7).
    case snapshotChunk(SnapshotChunkRequest)
    /// Answer to a piece that was not the last: how many bytes of the snapshot at `index` are staged.
    case snapshotResponse(index: LogIndex, stagedBytes: UInt64)
    /// A follower's proposals. At most once: never sent again, and lost when the receiver is not the leader.
    case propose([ForwardedProposal])
    /// The leader refuses a membership change that the receiver forwarded, and why; only what will not come right by
    /// itself is told.
    case changeRefused(ConfigurationChange, reason: String)
    /// A follower asks for an index to read at; `batch` comes back in the answer.
    case readIndex(batch: UInt64)
    /// The index at which the reads of `batch` may be answered.
    case readIndexResponse(batch: UInt64, index: LogIndex)
    /// Campaign at once; the leader hands over (dissertation, section 3.10).
    case timeoutNow
  }
}

/// A candidate's claim.
public struct VoteRequest: Sendable, Equatable {
  /// Index of the candidate's last entry.
  public var lastIndex: LogIndex
  /// Term of the candidate's last entry.
  public var lastTerm: Term
  /// Whether the leader itself asked for this election, so that its lease does not count.
  public var isTransfer: Bool

  /// Makes a claim.
  public init(lastIndex: LogIndex, lastTerm: Term, isTransfer: Bool = false) {
    self.lastIndex = lastIndex
    self.lastTerm = lastTerm
    self.isTransfer = isTransfer
  }
}

/// Entries and where they go.
public struct AppendRequest: Sendable, Equatable {
  /// Index of the entry just before `entries`.
  public var previousIndex: LogIndex
  /// Term of the entry just before `entries`.
  public var previousTerm: Term
  /// Contiguous, from `previousIndex.next`; may be empty.
  public var entries: [Entry]
  /// The leader's commit index.
  public var commitIndex: LogIndex

  /// Makes a request.
  public init(previousIndex: LogIndex, previousTerm: Term, entries: [Entry], commitIndex: LogIndex) {
    self.previousIndex = previousIndex
    self.previousTerm = previousTerm
    self.entries = entries
    self.commitIndex = commitIndex
  }
}

/// What became of entries sent.
public enum AppendResponse: Sendable, Equatable {
  /// The receiver's log equals the leader's up to and including `match`, durably.
  case accepted(match: LogIndex)
  /// The receiver has no entry at `previousIndex` of that term. Its log may agree at `hintIndex` (whose term is
  /// `hintTerm`) at most, so the leader can skip what lies between (paper, end of section 5.3).
  case rejected(previousIndex: LogIndex, hintIndex: LogIndex, hintTerm: Term)
}

/// A piece of a snapshot on its way to a member that is behind the leader's log.
public struct SnapshotChunkRequest: Sendable, Equatable {
  /// Which snapshot.
  public var metadata: SnapshotMetadata
  /// Where the piece starts.
  public var offset: UInt64
  /// The piece.
  public var chunk: SnapshotChunk

  /// Makes a request.
  public init(metadata: SnapshotMetadata, offset: UInt64, chunk: SnapshotChunk) {
    self.metadata = metadata
    self.offset = offset
    self.chunk = chunk
  }
}

/// A proposal on its way from a follower to the leader.
public enum ForwardedProposal: Sendable, Equatable {
  /// A command of the host.
  case command([UInt8])
  /// A membership change.
  case configurationChange(ConfigurationChange)
}

extension ForwardedProposal {
  fileprivate var approximateBytes: Int {
    switch self {
    case .command(let bytes): bytes.count + 8
    case .configurationChange(let change): change.context.count + 32
    }
  }
}
