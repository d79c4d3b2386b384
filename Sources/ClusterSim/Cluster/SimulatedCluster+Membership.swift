// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

extension SimulatedCluster {
  /// Proposes one change at any member: a new learner, a promotion, a removal.
  func changeMembership() {
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
