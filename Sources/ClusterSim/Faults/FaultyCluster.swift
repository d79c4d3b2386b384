// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// What faults need to know of a member of a simulated cluster.
protocol SimulatedProcess: AnyObject {
  var id: MemberID { get }
  var disk: SimulatedDisk { get }
  var status: ReplicaStatus? { get }
  /// Whether the process runs.
  var isUp: Bool { get }
  /// The member has left the cluster, and its process ended.
  var isRetired: Bool { get }
  /// When the process is started again, if it is down.
  var restartTime: Int? { get set }
  /// How and when the cluster loses the member, if that is planned.
  var plannedLoss: PlannedLoss? { get set }
  /// The process does not run until then, but keeps its state (SIGSTOP).
  var pausedUntil: Int { get set }
  /// How far the wall clock is off.
  var clockErrorMilliseconds: Int { get set }
  /// What the next turn is told to do with leadership.
  var transfer: ReplicaInput.TransferTarget? { get set }

  /// The next turn learns that another member's stream to this one broke.
  func loseStream(from peer: MemberID)
}

extension SimulatedProcess {
  /// One line for people.
  var summary: String {
    guard let status else { return isRetired ? "retired" : "down" }
    let followers = status.followers.map {
      "\($0.member) has \($0.matchIndex)\($0.isActive ? "" : ", silent")\($0.isReceivingSnapshot ? ", snapshot" : "")"
    }
    return "\(status.role) of term \(status.term), leader \(status.leader.map(String.init(describing:)) ?? "none"), "
      + "last \(status.lastIndex), commit \(status.commitIndex), applied \(status.appliedIndex), "
      + "voters \(status.configuration.voters), learners \(status.configuration.learners)"
      + (followers.isEmpty ? "" : "; " + followers.joined(separator: "; "))
  }
}

/// A cluster that faults can be injected into.
protocol FaultyCluster: AnyObject {
  associatedtype Process: SimulatedProcess

  var members: [Process] { get }
  var network: SimulatedNetwork { get set }
  var trace: Trace { get set }
  var random: SplitMix64 { get set }
  var rates: FaultRates { get }
  var time: Int { get }
  /// How far clocks jump.
  var clockJumpMilliseconds: ClosedRange<Int> { get }

  /// Ends a process at once.
  func stop(_ member: Process, _ reason: String)
  /// Asks for some change of the membership.
  func changeMembership()
}

extension FaultyCluster {
  /// The system closes the streams of a process that is gone; not everyone learns of it.
  func breakStreams(from member: Process) {
    for other in members where other.isUp && random.chance(80) { other.loseStream(from: member.id) }
  }

  /// What goes wrong in this millisecond.
  func injectFaults() {
    if happens(rates.crash) { crash() }
    if happens(rates.crashInsideDisk) { planCrash() }
    if happens(rates.crashAll) { crashAll() }
    if happens(rates.pause) { pause() }
    if happens(rates.cut) { cutNetwork() }
    if happens(rates.heal) { healNetwork() }
    if happens(rates.diskFailure) { changeDisk(to: .failing, "disk fails") }
    if happens(rates.diskFull) { changeDisk(to: .full, "disk is full") }
    if happens(rates.diskRecovery) { changeDisk(to: .working, "disk works") }
    if happens(rates.clockJump) { jumpClock() }
    if happens(rates.brokenStream) { breakStream() }
    if happens(rates.transfer) { anyMember(where: \.isUp)?.transfer = .any }
    if happens(rates.membership) { changeMembership() }
  }

  /// Ends all faults; whoever belongs to the cluster runs again.
  func endFaults() {
    trace.add(time, "--", "faults end")
    network.becomeReliable()
    for member in members where !member.isRetired {
      member.disk.health = .working
      member.disk.stepsUntilCrash = nil
      member.pausedUntil = 0
      member.plannedLoss = nil
      if !member.isUp { member.restartTime = time + 1 }
    }
  }

  private func happens(_ perMillion: Int) -> Bool { random.chance(perMillion, perMillion: ()) }

  func anyMember(where condition: (Process) -> Bool) -> Process? {
    let fitting = members.filter { !$0.isRetired && condition($0) }
    return fitting.isEmpty ? nil : random.pick(fitting)
  }

  private func crash() {
    // Leaders are the more interesting half.
    let leader = members.first { $0.isUp && $0.status?.role == .leader }
    let victim = random.chance(50) ? leader : nil
    if let member = victim ?? anyMember(where: \.isUp) { stop(member, "is killed") }
  }

  /// A member was just elected: it may be gone before its entries have reached a majority.
  func planLoss(of member: Process) {
    guard time < Simulation.faultMilliseconds, random.chance(rates.leaderLossPercent) else { return }
    let delay = random.chance(40) ? 1 : Int.random(in: 1...4 * rates.delayMilliseconds.upperBound, using: &random)
    member.plannedLoss = PlannedLoss(time: time + delay, isCut: random.chance(70))
  }

  func loseIfPlanned(_ member: Process) {
    guard let loss = member.plannedLoss, loss.time <= time else { return }
    member.plannedLoss = nil
    guard loss.isCut else {
      stop(member, "is killed")
      return
    }
    // Figure 8: an earlier leader comes back as the present one goes.
    if random.chance(60) { network.heal() }
    trace.add(time, "m\(member.id)", "is cut off")
    for other in members where other.id != member.id {
      network.cut(from: member.id, to: other.id)
      network.cut(from: other.id, to: member.id)
    }
  }

  private func planCrash() {
    anyMember(where: \.isUp)?.disk.stepsUntilCrash = Int.random(in: 0..<8, using: &random)
  }

  private func crashAll() {
    for member in members where member.isUp { stop(member, "is killed with all others") }
  }

  /// A stream breaks although both its ends live.
  private func breakStream() {
    guard let member = anyMember(where: \.isUp), let other = anyMember(where: { $0.id != member.id }) else { return }
    member.loseStream(from: other.id)
    trace.add(time, "m\(member.id)", "loses the stream from \(other.id)")
  }

  private func pause() {
    guard let member = anyMember(where: \.isUp) else { return }
    member.pausedUntil = time + Int.random(in: 20...400, using: &random)
    trace.add(time, "m\(member.id)", "pauses until \(member.pausedUntil)")
  }

  /// Cuts off a part of the cluster, in one direction or in both.
  private func cutNetwork() {
    let part = members.filter { _ in random.chance(40) }.map(\.id)
    let isOneWay = random.chance(30)
    for inside in part {
      for outside in members.map(\.id) where !part.contains(outside) {
        network.cut(from: inside, to: outside)
        if !isOneWay { network.cut(from: outside, to: inside) }
      }
    }
    trace.add(time, "--", "\(part) cut off\(isOneWay ? ", outwards only" : "")")
  }

  private func healNetwork() {
    network.heal()
    trace.add(time, "--", "network heals")
  }

  private func changeDisk(to health: SimulatedDisk.Health, _ what: String) {
    guard let member = anyMember(where: { $0.disk.health != health }) else { return }
    member.disk.health = health
    trace.add(time, "m\(member.id)", what)
  }

  private func jumpClock() {
    guard let member = anyMember(where: \.isUp) else { return }
    member.clockErrorMilliseconds = Int.random(in: clockJumpMilliseconds, using: &random)
    trace.add(time, "m\(member.id)", "clock is off by \(member.clockErrorMilliseconds) ms")
  }
}
