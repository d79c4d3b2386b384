// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// One run of a simulated cluster, decided by its seed alone.
///
/// It runs the production `RaftReplica` with 3 or 5 members (more join, some leave) over a simulated network, simulated
/// disks and simulated clocks, breaks what can break, and checks what Raft promises after every turn. When the faults
/// stop, the cluster must agree and take writes again.
public struct Simulation: Sendable {
  /// Milliseconds with faults.
  public static let faultMilliseconds = 3_000
  /// Milliseconds a cluster has to recover when the faults have stopped.
  public static let recoveryMilliseconds = 5_000

  /// What a run came to.
  public struct Outcome: Sendable {
    /// The first rule that did not hold; nil when all did.
    public var violation: Violation?
    /// Equal for equal runs.
    public var traceDigest: UInt64
    /// One line per transition, when asked for.
    public var trace: [String]
    /// How many entries were committed.
    public var committedEntries: UInt64
  }

  private let seed: UInt64
  private let brokenRule: BrokenRule?
  /// Without other faults: the first member dies at this step of its disk.
  private let crashStep: Int?

  /// A run with whatever faults the seed draws.
  ///
  /// - Parameters:
  ///   - seed: Decides everything.
  ///   - name: Name of the rule to break on purpose, one of ``breakableRules``; nil, or any other name, breaks none.
  public init(seed: UInt64, breaking name: String? = nil) {
    self.seed = seed
    brokenRule = name.flatMap(BrokenRule.init(rawValue:))
    crashStep = nil
  }

  /// A run in which one member dies at one step inside a disk call, counted from its start, and nothing else happens.
  ///
  /// - Parameters:
  ///   - seed: Decides the rest: sizes, delays, writes.
  ///   - step: Which step; each call has one before, one between write and sync, one after.
  public init(seed: UInt64, crashAtStep step: Int) {
    self.seed = seed
    brokenRule = nil
    crashStep = step
  }

  /// Rules that can be broken on purpose, to see that the checkers notice.
  public static let breakableRules =
    [.commitOlderTerm, .voteNotPersisted, .acknowledgeBeforeSync, .unconfirmedRead].map { (rule: BrokenRule) in
      rule.rawValue
    }

  /// Runs it.
  ///
  /// - Parameter keepsTrace: Whether the outcome has the transitions.
  /// - Returns: What it came to.
  public func run(keepsTrace: Bool = false) -> Outcome {
    let cluster = SimulatedCluster(
      seed: seed,
      breaking: brokenRule,
      isCalm: crashStep != nil,
      keepsTrace: keepsTrace
    )
    if let crashStep { cluster.members[0].disk.stepsUntilCrash = crashStep }
    while cluster.checker.violation == nil, cluster.time < Self.faultMilliseconds {
      if crashStep == nil { cluster.injectFaults() }
      cluster.runClients()
      cluster.advance()
    }
    if cluster.checker.violation == nil { recover(cluster) }
    return Outcome(
      violation: cluster.checker.violation,
      traceDigest: cluster.trace.digest.value,
      trace: cluster.trace.lines,
      committedEntries: cluster.checker.committedIndex.rawValue
    )
  }

  /// Waits until a write is acknowledged and every member has it.
  private func recover(_ cluster: SimulatedCluster) {
    cluster.endFaults()
    let acknowledgedBefore = cluster.checker.acknowledgedIndex
    var lastWrites: Set<UInt64> = []
    let deadline = cluster.time + Self.recoveryMilliseconds
    while cluster.checker.violation == nil, cluster.time < deadline {
      cluster.advance()
      let isWritten =
        lastWrites.contains { cluster.clients.writes[$0] == nil }
        && cluster.checker.acknowledgedIndex > acknowledgedBefore
      if isWritten, cluster.hasConverged { return }
      if !isWritten, cluster.time % 100 == 0, let leader = cluster.leader {
        // At any member of the leader's configuration, so that forwarding is seen to work too.
        let member = cluster.random.pick(leader.configuration.members)
        if let asked = cluster.member(member), asked.isUp { lastWrites.insert(cluster.write(at: asked)) }
      }
    }
    for member in cluster.members { cluster.trace.add(cluster.time, "m\(member.id)", "ends as \(member.summary)") }
    cluster.checker.report("convergence", "no agreement \(Self.recoveryMilliseconds) ms after the faults ended")
  }
}

extension SimulatedCluster {
  /// The leader of the latest term that has one.
  var leader: ReplicaStatus? {
    members.compactMap(\.status).filter { $0.role == .leader }.max { $0.term < $1.term }
  }

  /// Whether there is one leader, and all members of its configuration have applied everything acknowledged.
  var hasConverged: Bool {
    guard let leader, leader.commitIndex >= checker.acknowledgedIndex else { return false }
    return leader.configuration.members.allSatisfy { id in
      guard let status = member(id)?.status else { return false }
      return status.appliedIndex == leader.commitIndex && status.leader == leader.member
    }
  }
}
