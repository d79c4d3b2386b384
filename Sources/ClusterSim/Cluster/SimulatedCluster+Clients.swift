// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

extension SimulatedCluster {
  /// Clients write and read at whatever member they know.
  func runClients() {
    guard random.chance(1_000_000 / rates.operationMilliseconds, perMillion: ()) else { return }
    let up = members.filter(\.isUp)
    guard !up.isEmpty else { return }
    let member = random.pick(up)
    if random.chance(70) {
      for _ in 0..<random.pick([1, 1, 5]) { write(at: member) }
    } else {
      read(at: member)
    }
  }

  @discardableResult
  func write(at member: SimulatedMember) -> UInt64 {
    let id = clients.nextID()
    let key = Int(random.next() % UInt64(SimulatedMachine.keyCount))
    let write = SimulatedWrite(id: id, key: key, paddingBytes: Int(random.next() % 100))
    clients.writes[id] = member.id
    member.proposals.append(Proposal(id: id, .command(write.data)))
    return id
  }

  private func read(at member: SimulatedMember) {
    let id = clients.nextID()
    clients.reads[id] = checker.acknowledgedIndex
    member.reads.append(ReadRequest(id: id))
  }
}
