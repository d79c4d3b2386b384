// SPDX-License-Identifier: Apache-2.0

import EtcdStore
@_spi(Simulation) import EtcdServer
import Histories
@_spi(Simulation) import Raft

/// One run of a simulated cluster of whole members with clients, decided by its seed alone.
///
/// Members are production's own, from the keys API down: inbox, waiting requests, proposals of their own, Raft, keyspace,
/// history and watches. Network, disks and clocks are simulated and break. What the clients saw must be explained by one
/// correct store; all members must hold the same at the same index; times to live must end when they should; and when the
/// faults stop, the cluster must agree and take writes again.
public struct StoreSimulation: Sendable {
  /// Milliseconds with faults.
  public static let faultMilliseconds = Simulation.faultMilliseconds
  /// Milliseconds a cluster has to recover when the faults have stopped.
  public static let recoveryMilliseconds = Simulation.recoveryMilliseconds
  /// How much later than its second a key may go that was written with a time to live of one: clocks drift, a leader whose
  /// stamps are ahead lets time pass an eighth slower, and its removal has to be committed.
  static let expiryGraceMilliseconds = 400

  /// What a run came to.
  public struct Outcome: Sendable {
    /// The first rule that did not hold; nil when all did.
    public var violation: Violation?
    /// The part of the clients' history that shows it; empty when it is not about clients.
    public var window: [String] = []
    /// Equal for equal runs.
    public var traceDigest: UInt64
    /// One line per transition, when asked for.
    public var trace: [String]
    /// How many entries were committed.
    public var committedEntries: UInt64
    /// How many requests clients made.
    public var operations: Int
    /// How many events watches delivered.
    public var watchedEvents: Int
    /// Keys whose history was too tangled to decide.
    public var undecidedKeys: [String] = []
  }

  private let seed: UInt64
  private let brokenRule: String?

  /// A run with whatever faults the seed draws.
  ///
  /// - Parameters:
  ///   - seed: Decides everything.
  ///   - name: Name of the rule to break on purpose, one of ``breakableRules``; nil, or any other name, breaks none.
  public init(seed: UInt64, breaking name: String? = nil) {
    self.seed = seed
    brokenRule = name
  }

  /// Rules that can be broken on purpose, to see that the checks notice.
  public static let breakableRules =
    [BrokenRule.unconfirmedRead.rawValue, BrokenRule.frozenStamps.rawValue] + BrokenStoreRule.allCases.map(\.rawValue)

  /// Runs it.
  ///
  /// - Parameter keepsTrace: Whether the outcome has the transitions.
  /// - Returns: What it came to.
  public func run(keepsTrace: Bool = false) -> Outcome {
    let cluster = StoreCluster(seed: seed, breaking: brokenRule, keepsTrace: keepsTrace)
    while cluster.checker.violation == nil, cluster.time < Self.faultMilliseconds {
      cluster.injectFaults()
      cluster.runClients()
      cluster.advance()
    }
    if cluster.checker.violation == nil { cluster.recover() }
    var undecided: [String] = []
    if cluster.checker.violation == nil { undecided = cluster.checkHistory() }
    return Outcome(
      violation: cluster.checker.violation,
      window: cluster.checker.window,
      traceDigest: cluster.trace.digest.value,
      trace: cluster.trace.lines,
      committedEntries: cluster.checker.raft.committedIndex.rawValue,
      operations: cluster.history.operations.count,
      watchedEvents: cluster.history.watches.reduce(0) { $0 + $1.events.count },
      undecidedKeys: undecided
    )
  }
}

extension StoreCluster {
  /// Ends the faults; then a write, a key with a time to live, and a quorum read of every key must work as they should.
  func recover() {
    endFaults()
    let deadline = time + StoreSimulation.recoveryMilliseconds
    guard
      insist("/final", .write(.set(value: "final", isDirectory: false, ttl: .permanent, refresh: false)), by: deadline),
      checkExpiry(deadline)
    else { return }
    for key in usedKeys {
      guard insist(key, .read(quorum: true), by: deadline) else { return }
    }
    guard wait(until: deadline, "no agreement", { self.hasConverged && self.watchersAreReady }) else { return }
    for id in leader?.status?.configuration.members ?? [] {
      if let member = member(id) { checker.compareFinal(member) }
    }
  }

  /// A key with a time to live of a second must be there, and go when the second is over.
  private func checkExpiry(_ deadline: Int) -> Bool {
    let write = KeysWrite.set(value: "short", isDirectory: false, ttl: .seconds(1), refresh: false)
    guard insist("/t/probe", .write(write), by: deadline) else { return false }
    let due = time + 1_000 + 1_000 / 7 + StoreSimulation.expiryGraceMilliseconds
    while checker.violation == nil, time < due, has("/t/probe") { step() }
    if checker.violation == nil, has("/t/probe") {
      checker.report("times to live", "a key is still there \(due - time + 1) ms after its time and all grace")
    }
    return checker.violation == nil
  }

  private func has(_ key: String) -> Bool {
    (try? checker.reference.get(key, at: Timestamp(nanosecondsSinceEpoch: 0))) != nil
  }

  /// Asks members of the cluster in turn until one answers.
  private func insist(_ key: String, _ action: ClientOperation.Action, by deadline: Int) -> Bool {
    let position = clients.startIndex
    var asked: Int?
    return wait(until: deadline, "no answer to a request") {
      if let operation = asked, self.clients[position].operation == nil {
        switch self.history.operations[operation].outcome {
        case .succeeded, .failed: return true
        case .unknown, .refused: asked = nil
        }
      }
      if asked == nil, self.clients[position].operation == nil, let leader = self.leader?.status {
        // At any member of the leader's configuration, so that forwarding is seen to work too.
        let id = self.random.pick(leader.configuration.members)
        if let member = self.member(id), member.isUp {
          asked = self.history.operations.count
          self.ask(member, key, action, by: position)
        }
      }
      return false
    }
  }

  private func wait(until deadline: Int, _ problem: String, _ isDone: () -> Bool) -> Bool {
    while checker.violation == nil, time < deadline {
      if isDone() { return true }
      step()
    }
    for member in members { trace.add(time, member.name, "ends as \(member.summary)") }
    checker.report("convergence", "\(problem) \(StoreSimulation.recoveryMilliseconds) ms after the faults ended")
    return false
  }

  /// A millisecond without faults and without new requests but those that are insisted on.
  private func step() {
    startForgottenMembers()
    finishClients()
    advance()
  }

  private var watchersAreReady: Bool {
    watchers.allSatisfy { $0.watch.map { history.watches[$0].startedIndex != nil } ?? false }
  }

  /// Checks all that clients and watchers saw.
  ///
  /// - Returns: Keys whose histories could not be decided.
  func checkHistory() -> [String] {
    let sequence = checker.completeSequence
    let watchCheck = WatchCheck(sequence, deliveredThrough: checker.reference.etcdIndex)
    let result = history.check(against: sequence, watches: watchCheck)
    let now = Timestamp(nanosecondsSinceEpoch: leader?.stampNanoseconds ?? 0)
    let nodes = checker.reference.allNodes(at: now)
    let survival = SurvivalCheck(nodes: nodes, etcdIndex: checker.reference.etcdIndex)
    if let found = result.violation ?? survival.check(history.operations) ?? ExpiryCheck().checkLate(nodes, at: now) {
      checker.report(found)
    }
    return result.undecidedKeys
  }
}

extension Store {
  /// Every node, hidden ones included, each by itself.
  fileprivate func allNodes(at now: Timestamp) -> [NodeView] {
    var nodes: [NodeView] = []
    var pending = ["/", "/h/_z"]
    while let key = pending.popLast() {
      guard let node = try? get(key, at: now).node else { continue }
      nodes.append(node)
      pending += node.nodes?.map(\.key) ?? []
    }
    return nodes
  }
}
