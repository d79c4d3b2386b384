// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// Members, network, clients and faults of one run, a millisecond at a time.
final class SimulatedCluster: FaultyCluster {
  static let tickMilliseconds = 10
  static let memberLimit = 8
  let clockJumpMilliseconds = -10_000...10_000
  /// More messages than this in one millisecond only come from answers that multiply.
  static let stormMessages = 1_000

  private(set) var members: [SimulatedMember] = []
  var network: SimulatedNetwork
  var checker = Checker()
  var trace: Trace
  var random: SplitMix64
  let settings: RaftSettings
  let rates: FaultRates
  private(set) var time = 0
  var clients = SimulatedClients()

  init(seed: UInt64, breaking rule: BrokenRule?, isCalm: Bool, keepsTrace: Bool) {
    random = SplitMix64(seed: seed)
    var rates = FaultRates(using: &random)
    if isCalm { rates.calm() }
    self.rates = rates
    settings = .drawn(using: &random, isElectionStorm: rates.isElectionStorm, breaking: rule)
    network = SimulatedNetwork(seed: random.next())
    network.dropPercent = rates.dropPercent
    network.duplicatePercent = rates.duplicatePercent
    network.delayMilliseconds = rates.delayMilliseconds
    trace = Trace(keepsLines: keepsTrace)
    let ids = (1...random.pick([3, 5])).map { MemberID(UInt64($0)) }
    let bootstrap = Bootstrap(members: ids.map { Bootstrap.Member(id: $0, context: [UInt8($0.rawValue)]) })
    for id in ids { addMember(id, bootstrap: bootstrap) }
    for member in members { start(member) }
  }

  func member(_ id: MemberID) -> SimulatedMember? { members.first { $0.id == id } }

  // MARK: Members

  func addMember(_ id: MemberID, bootstrap: Bootstrap?) {
    let disk = SimulatedDisk(seed: random.next()) { [unowned self] batch in
      checker.observeWrite(batch, by: id)
    }
    let firstTick = time + Int.random(in: 0..<Self.tickMilliseconds, using: &random)
    members.append(SimulatedMember(id: id, bootstrap: bootstrap, disk: disk, firstTick: firstTick))
  }

  func start(_ member: SimulatedMember) {
    trace.add(time, "m\(member.id)", "starts")
    member.start(seed: random.next(), settings: settings)
    if !member.isUp { stop(member, "cannot start") }
  }

  func stop(_ member: SimulatedMember, _ reason: String) {
    member.kill()
    trace.add(time, "m\(member.id)", reason)
    member.restartTime = time + Int.random(in: rates.restartMilliseconds, using: &random)
    breakStreams(from: member)
  }

  // MARK: Time

  /// One millisecond: deliveries, restarts, then a turn of every member that has something to do.
  func advance() {
    time += 1
    deliver()
    for member in members where !member.isRetired && member.restartTime.map({ $0 <= time }) == true { start(member) }
    for member in members {
      loseIfPlanned(member)
      turn(member)
    }
  }

  private func deliver() {
    do {
      let messages = try network.arriving(at: time)
      if messages.count > Self.stormMessages {
        checker.report("message storm", "\(messages.count) messages arrive in one millisecond")
      }
      for message in messages {
        if let receiver = member(message.to), receiver.isUp { receiver.messages.append(message) }
      }
    } catch {
      checker.report("message codec", "\(error)")
    }
  }

  private func turn(_ member: SimulatedMember) {
    let before = member.status
    let output = member.turn(at: time, tickMilliseconds: Self.tickMilliseconds)
    // What left before a crash inside the turn is on its way; what the host would have answered is not.
    network.send(member.outbox.take(), at: time)
    guard let output else { return }
    if member.disk.isCrashed {
      stop(member, "crashes inside a disk call")
      return
    }
    observe(output, of: member, before: before)
  }

  private func observe(_ output: ReplicaOutput<UInt64?>, of member: SimulatedMember, before: ReplicaStatus?) {
    if let snapshot = output.restoredSnapshot {
      trace.add(time, "m\(member.id)", "restores snapshot \(snapshot.index)")
    }
    trace.add(time, from: before, to: output.status)
    if let violation = output.violation { checker.report("replica", "member \(member.id): \(violation)") }
    checker.observeApplied(output.applied.map { ($0.entry, $0.outcome) }, by: output.status)
    if before?.role != .leader, output.status.role == .leader { planLoss(of: member) }
    if output.status.role == .leader { checker.observeLeader(output.status, log: member.disk.durable) }
    if let machine = member.machine {
      checker.observeMachine(machine, of: member.id)
      for read in output.releasedReads {
        guard let asked = clients.reads.removeValue(forKey: read.id) else { continue }
        checker.observeRead(at: machine, of: member.id, acknowledgedBefore: asked)
      }
    }
    for read in output.droppedReads { clients.reads[read.id] = nil }
    for item in output.applied {
      guard let id = item.outcome, clients.writes[id] == member.id else { continue }
      clients.writes[id] = nil
      checker.observeAcknowledged(id)
    }
    for dropped in output.dropped {
      clients.writes[dropped.id] = nil
      if dropped.isDefinite, !clients.changes.contains(dropped.id) { checker.observeRefused(dropped.id) }
    }
    if isRemoved(member, by: output.applied) {
      member.isRetired = true
      stop(member, "has left the cluster")
    }
  }

  private func isRemoved(_ member: SimulatedMember, by applied: [Applied<UInt64?>]) -> Bool {
    applied.contains { item in
      guard item.entry.kind == .configuration else { return false }
      guard let record = try? ConfigurationRecord(decoding: item.entry.data) else { return false }
      return record.change.action == .remove && record.change.member == member.id
    }
  }
}

/// What clients are waiting for.
struct SimulatedClients {
  /// Writes not answered yet, and the member asked.
  var writes: [UInt64: MemberID] = [:]
  /// Reads not answered yet, and what had been acknowledged when they were asked.
  var reads: [UInt64: LogIndex] = [:]
  /// Ids of membership changes, which share the numbers of writes.
  var changes: Set<UInt64> = []
  private var lastID: UInt64 = 0

  mutating func nextID() -> UInt64 {
    lastID += 1
    return lastID
  }
}
