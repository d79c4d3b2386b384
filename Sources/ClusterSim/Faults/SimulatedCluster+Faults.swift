// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

extension SimulatedCluster {
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

  private func anyMember(where condition: (SimulatedMember) -> Bool) -> SimulatedMember? {
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
  func planLoss(of member: SimulatedMember) {
    guard time < Simulation.faultMilliseconds, random.chance(rates.leaderLossPercent) else { return }
    let delay = random.chance(40) ? 1 : Int.random(in: 1...4 * rates.delayMilliseconds.upperBound, using: &random)
    member.plannedLoss = PlannedLoss(time: time + delay, isCut: random.chance(70))
  }

  func loseIfPlanned(_ member: SimulatedMember) {
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
    member.lostStreams.append(other.id)
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
    member.clockErrorMilliseconds = Int.random(in: -10_000...10_000, using: &random)
    trace.add(time, "m\(member.id)", "clock is off by \(member.clockErrorMilliseconds) ms")
  }

  /// Proposes one change at any member: a new learner, a promotion, a removal.
  private func changeMembership() {
    guard let asked = anyMember(where: \.isUp), let configuration = asked.status?.configuration else { return }
    var changes: [ConfigurationChange] = configuration.learners.map { ConfigurationChange(.promote, $0) }
    if configuration.voters.count > 3 || (configuration.voters.count == 3 && random.chance(30)) {
      changes.append(ConfigurationChange(.remove, random.pick(configuration.voters)))
    }
    if let learner = configuration.learners.first, random.chance(10) {
      changes.append(ConfigurationChange(.remove, learner))
    }
    if members.count < Self.memberLimit {
      let id = MemberID(UInt64(members.count) + 1)
      changes.append(ConfigurationChange(.addLearner, id, context: [UInt8(id.rawValue)]))
    }
    guard !changes.isEmpty else { return }
    let change = random.pick(changes)
    if change.action == .addLearner {
      addMember(change.member, bootstrap: nil)
      if let joining = member(change.member) { start(joining) }
    }
    trace.add(time, "m\(asked.id)", "asked to \(change.action) \(change.member)")
    let id = clients.nextID()
    clients.changes.insert(id)
    asked.proposals.append(Proposal(id: id, .configurationChange(change)))
  }
}
