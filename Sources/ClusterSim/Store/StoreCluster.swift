// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import EtcdServer
import EtcdStore
import EtcdWire
import Histories
@_spi(Simulation) import Raft

/// Members, network, clients and faults of one run of the whole store, a millisecond at a time.
final class StoreCluster: FaultyCluster {
  static let tickMilliseconds = 10
  static let memberLimit = 8
  let clockJumpMilliseconds = -3_600_000...3_600_000

  private(set) var members: [StoreMember] = []
  var network: SimulatedNetwork
  var checker: StoreChecker
  var trace: Trace
  var random: SplitMix64
  let settings: RaftSettings
  let rates: FaultRates
  private let historyCapacity: Int
  private let brokenRule: BrokenStoreRule?
  private(set) var time = 0
  private var momentsInMillisecond: Int64 = 0

  var history = History()
  var clients: [StoreClient]
  var watchers: [StoreWatcher]

  init(seed: UInt64, breaking rule: String?, keepsTrace: Bool) {
    random = SplitMix64(seed: seed)
    rates = FaultRates(using: &random)
    brokenRule = rule.flatMap(BrokenStoreRule.init(rawValue:))
    settings = .drawn(
      using: &random,
      isElectionStorm: rates.isElectionStorm,
      breaking: rule.flatMap(BrokenRule.init(rawValue:))
    )
    historyCapacity = random.pick([20, 60, 1_000])
    checker = StoreChecker(historyCapacity: historyCapacity)
    network = SimulatedNetwork(seed: random.next())
    network.dropPercent = rates.dropPercent
    network.duplicatePercent = rates.duplicatePercent
    network.delayMilliseconds = rates.delayMilliseconds
    trace = Trace(keepsLines: keepsTrace)
    let clientCount = random.pick([4, 8])
    clients = (0..<clientCount).map { StoreClient(number: $0) }
    watchers = (0..<4).map { StoreWatcher(number: $0) }
    let founders = (1...random.pick([3, 5])).map { ClusterMember(id: $0, peerURLs: ["http://m\($0):2380"]) }
    for position in watchers.indices where random.chance(50) { watchers[position].nextIndex = EtcdIndex(1) }
    for founder in founders { addMember(founder, founders: founders) }
    for member in members { start(member) }
  }

  func member(_ id: MemberID) -> StoreMember? { members.first { $0.id == id } }

  /// The next point on the history's clock: thousandths of a millisecond, one for each thing that happens.
  func nextMoment() -> Moment {
    momentsInMillisecond += 1
    return Moment(Int64(time) * 1_000 + min(momentsInMillisecond, 999))
  }

  // MARK: Members

  /// Makes the machine of a member; with founders it begins the cluster with them, without it joins.
  @discardableResult
  func addMember(_ member: ClusterMember, founders: [ClusterMember]?) -> StoreMember {
    let id = MemberID(member.id)
    let name = founders == nil ? "j\(members.count + 1)" : "m\(member.id)"
    var configuration = EtcdMemberConfiguration(
      name: name,
      memberID: id,
      clusterID: ClusterID(1),
      clusterToken: "simulation",
      initialMembers: founders ?? [],
      isNewCluster: founders != nil,
      clientURLs: ["http://\(name):2379"]
    )
    configuration.heartbeatMilliseconds = Self.tickMilliseconds
    configuration.electionMilliseconds = Self.tickMilliseconds * settings.electionTicks
    configuration.historyCapacity = historyCapacity
    let disk = SimulatedDisk(seed: random.next()) { [unowned self] batch in
      checker.observeWrite(batch, by: id)
    }
    let added = StoreMember(
      configuration: configuration,
      disk: disk,
      firstTick: time + Int.random(in: 0..<Self.tickMilliseconds, using: &random),
      driftPerMille: random.pick([-20, 0, 0, 20])
    )
    members.append(added)
    return added
  }

  func start(_ member: StoreMember) {
    member.start(at: time, seed: random.next(), settings: settings, breaking: brokenRule)
    trace.add(time, member.name, "starts")
    if !member.isUp { stop(member, "cannot start") }
  }

  func stop(_ member: StoreMember, _ reason: String) {
    disconnectClients(of: member)
    member.kill()
    trace.add(time, member.name, reason)
    member.restartTime = time + Int.random(in: rates.restartMilliseconds, using: &random)
    breakStreams(from: member)
  }

  /// Adds a member, or removes one, through the members API of any.
  func changeMembership() {
    guard let asked = anyMember(where: \.isUp), let configuration = asked.status?.configuration else { return }
    let voters = configuration.voters
    if voters.count > 3 || (voters.count == 3 && random.chance(30)), random.chance(50) {
      let leaving = random.pick(voters)
      trace.add(time, asked.name, "asked to remove \(member(leaving)?.name ?? leaving.description)")
      asked.requests.append((time, { $0.removeMember(id: leaving.rawValue) { _ in } }))
    } else if members.count < Self.memberLimit {
      let url = "http://j\(members.count + 1)-\(time):2380"
      trace.add(time, asked.name, "asked to add \(url)")
      let mailbox = asked.mailbox
      asked.requests.append(
        (
          time,
          { member in
            member.addMember(peerURLs: [url]) { result in
              if case .success(let added) = result { mailbox.put(.added(added)) }
            }
          }
        )
      )
    }
  }

  /// Starts whoever belongs to the cluster and was never started, because the answer to its adding was lost.
  func startForgottenMembers() {
    for id in leader?.status?.configuration.members ?? [] where member(id) == nil {
      start(addMember(ClusterMember(id: id.rawValue, peerURLs: []), founders: nil))
    }
  }

  /// The leader of the latest term that has one.
  var leader: StoreMember? {
    members.filter { $0.status?.role == .leader }.max { ($0.status?.term ?? .zero) < ($1.status?.term ?? .zero) }
  }

  /// Whether there is one leader, and all members of its configuration have applied everything.
  var hasConverged: Bool {
    guard let leader = leader?.status, leader.commitIndex >= checker.raft.committedIndex else { return false }
    return leader.configuration.members.allSatisfy { id in
      guard let status = member(id)?.status else { return false }
      return status.appliedIndex == leader.commitIndex && status.leader == leader.member
    }
  }

  // MARK: Time

  /// One millisecond: deliveries, restarts, then a turn of every member that has something to do.
  func advance() {
    time += 1
    momentsInMillisecond = 0
    deliver()
    for member in members where !member.isRetired && member.restartTime.map({ $0 <= time }) == true { start(member) }
    for member in members {
      loseIfPlanned(member)
      turn(member)
    }
  }

  private func deliver() {
    do {
      for message in try network.arriving(at: time) {
        if let receiver = member(message.to), receiver.isUp { receiver.messages.append(message) }
      }
    } catch {
      checker.report("message codec", "\(error)")
    }
  }

  private func turn(_ member: StoreMember) {
    let before = member.status
    let turn = member.step(at: time, tickMilliseconds: Self.tickMilliseconds)
    // What left before a crash inside the turn is on its way; what clients would have been answered is not.
    network.send(member.takeSent(), at: time)
    if let turn {
      if let snapshot = turn.restoredSnapshot { trace.add(time, member.name, "restores snapshot \(snapshot.index)") }
      trace.add(time, from: before, to: turn.status)
      checker.observe(turn, of: member)
      if before?.role != .leader, turn.status.role == .leader { planLoss(of: member) }
    }
    if member.disk.isCrashed {
      stop(member, "crashes inside a disk call")
    } else {
      passOn(member.mailbox.take(), of: member)
    }
  }

  private func passOn(_ deliveries: [StoreMailbox.Delivery], of member: StoreMember) {
    for delivery in deliveries {
      switch delivery {
      case .answer(let operation, let result): finish(operation, result)
      case .watch(let watch, let update): note(update, of: watch)
      case .added(let added):
        if self.member(MemberID(added.id)) == nil { start(addMember(added, founders: nil)) }
      case .removed:
        member.isRetired = true
        stop(member, "has left the cluster")
        member.restartTime = nil
        return
      }
    }
  }
}
