// SPDX-License-Identifier: Apache-2.0

/// Everything that reached a replica since its last turn; one turn makes all of it durable at once.
public struct ReplicaInput: Sendable {
  /// The wall clock now, in nanoseconds since 1970; it stamps entries when this member leads, and may jump.
  public var nowNanoseconds: Int64
  /// How many ticks passed since the last turn (by a monotonic clock).
  public var ticks: Int
  /// What other members sent.
  public var messages: [Message]
  /// Members whose stream to this one broke, before `messages` came; a leader among them is probably gone.
  public var lostStreams: [MemberID]
  /// What the host wants in the log.
  public var proposals: [Proposal]
  /// Reads that must see every write acknowledged before now.
  public var reads: [ReadRequest]
  /// The member that leadership should go to: any caught-up voter when `.any`.
  public var transfer: TransferTarget?

  /// To whom leadership goes.
  public enum TransferTarget: Sendable, Equatable {
    /// The voter that is furthest.
    case any
    /// This voter.
    case member(MemberID)
  }

  /// Makes an input.
  public init(
    nowNanoseconds: Int64,
    ticks: Int = 0,
    messages: [Message] = [],
    lostStreams: [MemberID] = [],
    proposals: [Proposal] = [],
    reads: [ReadRequest] = [],
    transfer: TransferTarget? = nil
  ) {
    self.nowNanoseconds = nowNanoseconds
    self.ticks = ticks
    self.messages = messages
    self.lostStreams = lostStreams
    self.proposals = proposals
    self.reads = reads
    self.transfer = transfer
  }
}

/// Something the host wants in the log.
public struct Proposal: Sendable, Equatable {
  /// The host's own number, used in ``ReplicaOutput/dropped`` only; it is not part of the entry.
  ///
  /// To recognise the
  /// outcome of its own proposal, the host puts an id of its own into the data, unique across members and restarts.
  public var id: UInt64
  /// What is proposed.
  public var content: Content

  /// What can be proposed.
  public enum Content: Sendable, Equatable {
    /// A command, opaque to Raft.
    case command([UInt8])
    /// A membership change.
    case configurationChange(ConfigurationChange)
  }

  /// Makes a proposal.
  public init(id: UInt64, _ content: Content) {
    self.id = id
    self.content = content
  }
}

/// A read that waits for an index.
public struct ReadRequest: Sendable, Equatable {
  /// The host's own number.
  public var id: UInt64

  /// Makes a request.
  public init(id: UInt64) {
    self.id = id
  }
}
