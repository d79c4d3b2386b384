// SPDX-License-Identifier: Apache-2.0

import EtcdStore
@_spi(Simulation) import EtcdServer
import EtcdWire
@_spi(Simulation) import Raft
import Synchronization

/// What a member sends back to those outside, in order, until the simulation takes it.
final class StoreMailbox: Sendable {
  enum Delivery: Sendable {
    /// The answer to an operation, by its position in the history.
    case answer(Int, Result<KeysReply, EtcdError>)
    /// News of a watch, by its position in the history.
    case watch(Int, KeysWatchUpdate)
    /// A member was added and may be started.
    case added(ClusterMember)
    /// This member was removed.
    case removed
  }

  private let deliveries = Mutex<[Delivery]>([])

  func put(_ delivery: Delivery) {
    deliveries.withLock { $0.append(delivery) }
  }

  func take() -> [Delivery] {
    deliveries.withLock { deliveries in
      defer { deliveries = [] }
      return deliveries
    }
  }
}

/// A member of the simulated store: a disk that stays, and production's own member, which comes and goes.
final class StoreMember: SimulatedProcess {
  let id: MemberID
  let disk: SimulatedDisk
  let configuration: EtcdMemberConfiguration
  let clock = SimulatedClock()
  let driftPerMille: Int
  let mailbox = StoreMailbox()
  private let outbox = SimulatedOutbox()
  private(set) var process: SteppedMember?
  /// What the turn under way did, for the checks.
  private var turn: SteppedMember.Turn?
  /// How many times the process has been started.
  private(set) var life = 0

  // What the next turn gets.
  var messages: [Message] = []
  /// Requests on their way, each with the moment it arrives.
  var requests: [(due: Int, send: (EtcdMember) -> Void)] = []
  var transfer: ReplicaInput.TransferTarget?

  var restartTime: Int?
  var plannedLoss: PlannedLoss?
  var pausedUntil = 0
  private var nextTick: Int
  var clockErrorMilliseconds = 0
  var isRetired = false

  init(configuration: EtcdMemberConfiguration, disk: SimulatedDisk, firstTick: Int, driftPerMille: Int) {
    id = configuration.memberID
    self.configuration = configuration
    self.disk = disk
    nextTick = firstTick
    self.driftPerMille = driftPerMille
  }

  var isUp: Bool { process != nil }
  var status: ReplicaStatus? { process?.status }
  /// The member in this life of its process, as histories name it.
  var name: String { "\(configuration.name)#\(life)" }

  /// Starts the process on what the disk holds.
  func start(at time: Int, seed: UInt64, settings: RaftSettings, breaking rule: BrokenStoreRule?) {
    disk.restart()
    restartTime = nil
    life += 1
    clock.advance(to: time, error: clockErrorMilliseconds, drift: driftPerMille)
    var surroundings = SteppedMember.Surroundings(settings: settings, seed: seed, clocks: clock.clocks)
    surroundings.brokenRule = rule
    var events = EtcdMemberEvents()
    events.wasRemoved = { [mailbox] in mailbox.put(.removed) }
    process = try? SteppedMember(
      configuration: configuration,
      surroundings: surroundings,
      log: disk,
      outbox: outbox,
      events: events,
      observe: { [unowned self] in turn = $0 }
    )
  }

  /// Ends the process at once (SIGKILL).
  func kill() {
    process = nil
    plannedLoss = nil
    turn = nil
    messages = []
    requests = []
    transfer = nil
    _ = outbox.take()
    _ = mailbox.take()
  }

  func loseStream(from peer: MemberID) { process?.member.lostStream(from: peer) }

  /// One turn on everything that has arrived; nil when there was nothing to do.
  func step(at time: Int, tickMilliseconds: Int) -> SteppedMember.Turn? {
    guard let process, time >= pausedUntil else { return nil }
    clock.advance(to: time, error: clockErrorMilliseconds, drift: driftPerMille)
    var ticks = 0
    if time >= nextTick {
      ticks = 1
      nextTick = time + tickMilliseconds
    }
    if !messages.isEmpty { process.member.receive(messages) }
    messages = []
    if !requests.isEmpty {
      let arrived = requests.filter { $0.due <= time }
      requests.removeAll { $0.due <= time }
      for request in arrived { request.send(process.member) }
    }
    process.step(ticks: ticks, transfer: transfer)
    transfer = nil
    defer { turn = nil }
    return turn
  }

  func takeSent() -> [Message] { outbox.take() }

  /// The leader's time as its next stamp would have it.
  var stampNanoseconds: Int64 { clock.wallNanoseconds + (status?.stampLeadNanoseconds ?? 0) }
}
