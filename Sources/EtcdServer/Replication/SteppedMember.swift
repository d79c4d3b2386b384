// SPDX-License-Identifier: Apache-2.0
public import EtcdStore
import Logging
public import Raft

/// A member without a thread, moved on turn by turn: the simulator's way of running exactly what a member runs.
///
/// Requests, watches and changes of the membership go through ``member`` as ever; they are carried out, answered and
/// delivered by the next ``step(ticks:transfer:)``.
@_spi(Simulation)
public final class SteppedMember {
  /// What a simulation puts in the place of the machine.
  public struct Surroundings {
    /// Raft's limits and times.
    public var settings: RaftSettings
    /// Where randomness starts.
    public var seed: UInt64
    /// What time it is.
    public var clocks: MemberClocks
    /// A rule broken on purpose, for the simulator to find.
    public var brokenRule: BrokenStoreRule?

    /// Makes surroundings in which no rule is broken.
    public init(settings: RaftSettings, seed: UInt64, clocks: MemberClocks) {
      self.settings = settings
      self.seed = seed
      self.clocks = clocks
    }
  }

  /// What one turn did to the replica, before anyone is told.
  public struct Turn {
    /// Entries applied, in order.
    public var entries: [Entry]
    /// The snapshot that replaced everything before them.
    public var restoredSnapshot: SnapshotMetadata?
    /// Where the replica stands now.
    public var status: ReplicaStatus
    /// An invariant that is broken; the replica has stopped for good.
    public var violation: String?
  }

  /// The member as everything above the store sees it.
  public let member: EtcdMember

  /// Opens the log as a member does.
  ///
  /// - Parameters:
  ///   - configuration: The member and its cluster.
  ///   - surroundings: Clocks, chance and limits.
  ///   - log: The log.
  ///   - outbox: The way to the other members.
  ///   - events: What the member tells its surroundings.
  ///   - observe: Sees what each turn did, before clients are answered.
  /// - Throws: What opening the log throws.
  public init(
    configuration: EtcdMemberConfiguration,
    surroundings: Surroundings,
    log: any LogStore,
    outbox: any PeerOutbox,
    events: EtcdMemberEvents,
    observe: @escaping (Turn) -> Void
  ) throws {
    member = try EtcdMember(
      configuration: configuration,
      log: log,
      outbox: outbox,
      events: events,
      databaseBytes: { 0 },
      logger: Logger(label: "stepped") { _ in SwiftLogNoOpLogHandler() },
      surroundings: surroundings
    )
    member.loop.value?.observer = { output in
      observe(
        Turn(
          entries: output.applied.map(\.entry),
          restoredSnapshot: output.restoredSnapshot,
          status: output.status,
          violation: output.violation
        )
      )
    }
    member.loop.value?.begin()
  }

  /// Makes one turn of everything that waits; does nothing when there is nothing to do.
  ///
  /// - Parameters:
  ///   - ticks: How many ticks have passed.
  ///   - transfer: To whom leadership should go.
  public func step(ticks: Int, transfer: ReplicaInput.TransferTarget? = nil) {
    member.loop.value?.step(ticks: ticks, transfer: transfer)
  }

  /// Where the replica stood after its last turn.
  public var status: ReplicaStatus { member.host.status.replica }

  /// The store as this member has it.
  public var store: Store { member.keyspace.copy().store }

  /// The change of the keyspace that an entry holds; nil for entries that hold none.
  public static func command(of entry: Entry) -> StoreCommand? {
    guard entry.kind == .command, case .keys(let command)? = ReplicatedCommand(decoding: entry.data)?.content else {
      return nil
    }
    return command
  }
}

/// Rules of the replicated store that the simulator can break to show that its checks see it.
@_spi(Simulation)
public enum BrokenStoreRule: String, Sendable, CaseIterable {
  /// Keys run out by each member's own clock instead of the leader's stamp.
  case expireByOwnClock = "expire-by-own-clock"
  /// Watches go on over a snapshot as if nothing had been skipped.
  case watchOverSnapshot = "watch-over-snapshot"
}
