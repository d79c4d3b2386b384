// SPDX-License-Identifier: Apache-2.0

/// A member's replica: the machine ``RaftNode`` between a log, a way out and a state machine, in the order
/// persist → send → apply.
///
/// A turn takes everything that arrived since the last one, makes what follows from it durable in one append, and only
/// then sends and applies. Synchronous and without threads of its own: the host runs it on a thread that may block.
public struct RaftReplica<Log: LogStore, Outbox: PeerOutbox, Machine: StateMachine> {
  /// The durable log.
  public private(set) var log: Log
  /// The way out.
  public var outbox: Outbox
  /// The state machine. The host may read it, and change what is not part of the replicated state (watchers).
  public var machine: Machine

  /// Opens a replica: reads the log, restores the state machine from the latest snapshot. Committed entries are
  /// applied by the first turns.
  ///
  /// - Parameters:
  ///   - member: This member.
  ///   - bootstrap: The beginning of a new cluster, written when the log is empty; nil for a member that joins.
  ///   - seed: Where randomness starts (election timeouts); must differ from member to member and from start to start.
  ///   - settings: Limits and times.
  ///   - log: The log.
  ///   - outbox: The way out.
  ///   - machine: The state machine, empty.
  /// - Throws: What the log or the machine throws: the member cannot start.
  public init(
    member: MemberID,
    bootstrap: Bootstrap?,
    seed: UInt64,
    settings: RaftSettings = RaftSettings(),
    log: Log,
    outbox: Outbox,
    machine: Machine
  ) throws {
    self.log = log
    self.outbox = outbox
    self.machine = machine
  }

  /// Where the replica stands.
  public var status: ReplicaStatus {
    preconditionFailure()
  }

  /// Takes one turn.
  ///
  /// Nothing that leaves here, message or outcome, rests on anything that is not durable. Never throws: when storage
  /// fails, the output says so and the replica steps aside until it works again.
  public mutating func turn(_ input: ReplicaInput) -> ReplicaOutput<Machine.Outcome> {
    preconditionFailure()
  }
}
