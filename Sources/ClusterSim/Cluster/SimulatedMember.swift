// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// A loss that is planned when a member becomes leader.
struct PlannedLoss {
  var time: Int
  /// Cut off from all others, else killed.
  var isCut: Bool
}

/// A member of the simulated cluster: a disk that stays, a process that comes and goes.
final class SimulatedMember: SimulatedProcess {
  typealias Replica = RaftReplica<SimulatedDisk, SimulatedOutbox, SimulatedMachine>

  let id: MemberID
  let disk: SimulatedDisk
  let bootstrap: Bootstrap?
  private(set) var replica: Replica?
  let outbox = SimulatedOutbox()

  // What the next turn gets.
  var messages: [Message] = []
  var lostStreams: [MemberID] = []
  var proposals: [Proposal] = []
  var reads: [ReadRequest] = []
  var transfer: ReplicaInput.TransferTarget?

  /// When the process is started again, if it is down.
  var restartTime: Int?
  /// How and when the cluster loses the member, if that is planned.
  var plannedLoss: PlannedLoss?
  /// The process does not run until then, but keeps its state (SIGSTOP).
  var pausedUntil = 0
  var nextTick: Int
  /// How far the wall clock is off.
  var clockErrorMilliseconds = 0
  /// The member has left the cluster, and its process ended.
  var isRetired = false
  private(set) var status: ReplicaStatus?

  init(id: MemberID, bootstrap: Bootstrap?, disk: SimulatedDisk, firstTick: Int) {
    self.id = id
    self.bootstrap = bootstrap
    self.disk = disk
    nextTick = firstTick
  }

  var isUp: Bool { replica != nil }

  /// Starts the process on what the disk holds.
  func start(seed: UInt64, settings: RaftSettings) {
    disk.restart()
    restartTime = nil
    replica = try? Replica(
      member: id,
      bootstrap: bootstrap,
      seed: seed,
      settings: settings,
      log: disk,
      outbox: outbox,
      machine: SimulatedMachine()
    )
    status = replica?.status
  }

  /// Ends the process at once (SIGKILL).
  func kill() {
    replica = nil
    plannedLoss = nil
    status = nil
    messages = []
    lostStreams = []
    proposals = []
    reads = []
    transfer = nil
    _ = outbox.take()
  }

  func loseStream(from peer: MemberID) { lostStreams.append(peer) }

  /// One turn of the replica on everything that arrived; nil when there was nothing to do.
  func turn(at time: Int, tickMilliseconds: Int) -> ReplicaOutput<UInt64?>? {
    guard replica != nil, time >= pausedUntil else { return nil }
    var ticks = 0
    if time >= nextTick {
      ticks = 1
      nextTick = time + tickMilliseconds
    }
    if ticks == 0, messages.isEmpty, lostStreams.isEmpty, proposals.isEmpty, reads.isEmpty, transfer == nil {
      return nil
    }
    let input = ReplicaInput(
      nowNanoseconds: Int64(time + clockErrorMilliseconds) * 1_000_000,
      ticks: ticks,
      messages: messages,
      lostStreams: lostStreams,
      proposals: proposals,
      reads: reads,
      transfer: transfer
    )
    messages = []
    lostStreams = []
    proposals = []
    reads = []
    transfer = nil
    let output = replica?.turn(input)
    status = output?.status
    return output
  }

  var machine: SimulatedMachine? { replica?.machine }
}
