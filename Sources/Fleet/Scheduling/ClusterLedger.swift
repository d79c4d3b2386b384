// SPDX-License-Identifier: Apache-2.0
import Units

/// The cluster as the engine keeps it: units, machines and who has which place, indexed so that deciding costs what
/// changed and not what there is.
///
/// Changes go in one by one; ``plan(placingAtMost:)`` looks at the machines and units they concern. What it decides
/// depends on the cluster alone, not on the order or grouping of the changes: a ledger made of a snapshot decides alike.
///
/// How it knows what to look at:
/// - A machine is settled anew when a unit came to it or left it, or when it or a global unit changed.
/// - A unit that every machine refused is asked about again only where a machine has become freer: a refusal depends on
///   the unit and that machine alone, and a unit more on it turns no refusal into consent, except for those that wait
///   for that unit (`MachineOf=`), which are found by name.
/// - What was decided and is not yet, or never will be, in the store is taken back at the next pass and decided anew.
///
/// Source: specs/fleet.md §5, §14.1, §14.8.
public struct ClusterLedger: Sendable {
  // MARK: What there is

  private(set) var jobs: [String: Job] = [:]
  /// Wanted scheduled units by the machine they are placed on, present or not.
  private(set) var claims: [String: Set<String>] = [:]
  /// Wanted global units.
  private(set) var globals: Set<String> = []
  /// Whether a machine that is not present is known to be lost; see ``ClusterSnapshot/areAbsentMachinesLost``.
  public var areAbsentMachinesLost = false

  // MARK: Indexes

  /// Present machines with the units that have their place there, decisions of the last pass included.
  var occupancies: [String: MachineOccupancy] = [:]
  var order = LoadOrder()
  var conflicts = ConflictIndex()
  private(set) var directory = MachineDirectory()
  /// Wanted units by the units they must be together with.
  private(set) var followers: [String: Set<String>] = [:]
  /// Machines that have claims and are not present.
  private(set) var absentMachines: Set<String> = []

  // MARK: What is to be looked at

  /// Machines to be settled anew; true when they may now take what they refused.
  var unsettled: [String: Bool] = [:]
  /// Units that need a place and have not been offered to every machine.
  var fresh: Set<String> = []
  /// Units that need a place and were refused by every machine, apart from those that wait for others.
  var refused: Set<String> = []
  /// Units that need a place, were refused by every machine, and must be together with others.
  var waitingForPeers: Set<String> = []
  /// Machines on which a unit sends another one away that has no other place.
  var crowdedMachines: Set<String> = []

  // MARK: What is to be done

  /// Units that are placed and not wanted.
  private(set) var unwanted: Set<String> = []
  /// Why units cannot stay on the present machine that they are placed on.
  var unable: [String: String] = [:]
  /// Names of ``unable`` by machine.
  var unableByMachine: [String: Set<String>] = [:]
  /// Where the last pass put units.
  var put: [String: String] = [:]
  /// Why the last pass took units away from where they could have stayed.
  var evicted: [String: String] = [:]

  /// Makes the ledger of an empty cluster.
  public init() {}

  /// Makes the ledger of a snapshot.
  public init(_ snapshot: ClusterSnapshot) {
    areAbsentMachinesLost = snapshot.areAbsentMachinesLost
    for machine in snapshot.machines { set(machine) }
    for job in snapshot.jobs { set(job) }
  }

  // MARK: Changes

  /// Adds a machine, or changes one.
  public mutating func set(_ machine: Machine) {
    let old = occupancies[machine.id]
    guard old?.machine != machine else { return }
    if let old { directory.remove(old.machine) }
    directory.add(machine)
    var occupancy = MachineOccupancy(machine: machine)
    for job in old?.jobs.values.sorted(by: Job.isSenior) ?? [] { occupancy.add(job) }
    occupancies[machine.id] = occupancy
    order.set(occupancy.load, of: machine.id)
    absentMachines.remove(machine.id)
    unsettled[machine.id] = true
  }

  /// Takes a machine out that is not present any more; its units stay where they are until it is lost.
  public mutating func removeMachine(_ id: String) {
    guard let occupancy = occupancies.removeValue(forKey: id) else { return }
    directory.remove(occupancy.machine)
    order.set(nil, of: id)
    for job in occupancy.jobs.values { conflicts.count(job, on: id, by: -1) }
    for name in unableByMachine.removeValue(forKey: id) ?? [] { settle(name) }
    unsettled[id] = nil
    crowdedMachines.remove(id)
    if claims[id] != nil { absentMachines.insert(id) }
  }

  /// Adds a unit, or changes one.
  public mutating func set(_ job: Job) {
    let old = jobs[job.name]
    guard old != job else { return }
    // Most changes are of a place, and what a unit asks for is as before.
    let asksAsBefore = old.map { job.asksAsMuch(as: $0) } ?? false
    if let old { forgetPlace(of: old) }
    if let old, !asksAsBefore { forgetRequirements(of: old) }
    jobs[job.name] = job
    if !asksAsBefore { noteRequirements(of: job) }
    notePlace(of: job)
  }

  /// Removes a unit.
  public mutating func removeJob(_ name: String) {
    guard let job = jobs.removeValue(forKey: name) else { return }
    forgetPlace(of: job)
    forgetRequirements(of: job)
  }

  private mutating func noteRequirements(of job: Job) {
    guard job.isWanted else { return }
    conflicts.use(job.requirements.conflicts)
    for peer in job.requirements.peers { followers[peer, default: []].insert(job.name) }
    if job.requirements.isGlobal {
      globals.insert(job.name)
      unsettleAll()
    }
  }

  private mutating func forgetRequirements(of job: Job) {
    guard job.isWanted else { return }
    conflicts.release(job.requirements.conflicts)
    for peer in job.requirements.peers {
      followers[peer]?.remove(job.name)
      if followers[peer]?.isEmpty ?? false { followers[peer] = nil }
    }
    if globals.remove(job.name) != nil { unsettleAll() }
  }

  private mutating func notePlace(of job: Job) {
    if let id = job.targetMachineID {
      if job.isWanted {
        claims[id, default: []].insert(job.name)
        unsettle(id)
        if occupancies[id] == nil { absentMachines.insert(id) }
      } else {
        unwanted.insert(job.name)
      }
    } else if job.needsPlace {
      fresh.insert(job.name)
    }
  }

  private mutating func forgetPlace(of job: Job) {
    settle(job.name)
    unwanted.remove(job.name)
    guard let id = job.targetMachineID else { return }
    unsettle(id)
    unableByMachine[id]?.remove(job.name)
    claims[id]?.remove(job.name)
    if claims[id]?.isEmpty ?? false {
      claims[id] = nil
      absentMachines.remove(id)
    }
  }

  // MARK: Queries

  /// How many units there are.
  public var unitCount: Int { jobs.count }

  /// Whether a machine is present.
  public func hasMachine(_ id: String) -> Bool { occupancies[id] != nil }

  /// Wanted units that no machine takes, by name.
  public var unplaced: [String] { refused.union(waitingForPeers).sorted() }

  /// Why each present machine does not take a unit, by machine id, once what was planned is carried out.
  ///
  /// Machines that have it, or would take it, are left out; an unknown unit is refused by none.
  public func refusals(of name: String) -> [Refusal] {
    guard let job = jobs[name] else { return [] }
    return occupancies.keys.sorted().compactMap { id in
      guard let occupancy = occupancies[id], occupancy.jobs[name] == nil else { return nil }
      return occupancy.refusal(of: job).map { Refusal(machineID: id, reason: $0) }
    }
  }

  /// The machines that have a unit once what was planned is carried out, by id: one, or for a global unit many.
  public func machines(of name: String) -> [String] {
    occupancies.filter { $0.value.jobs[name] != nil }.keys.sorted()
  }

  /// Why a unit has to leave the machine it is placed on; nil when it can stay, or has none.
  func displacement(of name: String) -> String? {
    if unwanted.contains(name) { return "target state inactive" }
    guard let id = jobs[name]?.targetMachineID else { return nil }
    if let why = evicted[name] { return why }
    if let why = unable[name] { return ClusterTask.inabilityReason(of: id, why) }
    return isLost(name) ? ClusterTask.lossReason(of: id) : nil
  }

  /// Whether the machine of a placed unit is lost, and the unit may move.
  private func isLost(_ name: String) -> Bool {
    guard areAbsentMachinesLost, let job = jobs[name], let id = job.targetMachineID else { return false }
    return job.isWanted && job.isFileKnown && occupancies[id] == nil
  }

  /// Whether a unit has to be found a place.
  func needsPlace(_ name: String) -> Bool {
    guard let job = jobs[name], job.needsPlace else { return false }
    return job.targetMachineID == nil || unable[name] != nil || isLost(name)
  }

  // MARK: Shared steps

  /// Forgets that a unit needs a place.
  mutating func settle(_ name: String) {
    unable[name] = nil
    fresh.remove(name)
    refused.remove(name)
    waitingForPeers.remove(name)
  }

  /// Has a unit offered to every machine at the next pass.
  mutating func offer(_ name: String) {
    refused.remove(name)
    waitingForPeers.remove(name)
    fresh.insert(name)
  }

  mutating func unsettle(_ id: String, isFreer: Bool = false) {
    guard occupancies[id] != nil else { return }
    unsettled[id] = isFreer || unsettled[id] ?? false
  }

  private mutating func unsettleAll() {
    for id in occupancies.keys { unsettle(id) }
  }
}

extension Job {
  /// Whether it is wanted and asks for what it did before; a global unit takes its place anew whenever it changes.
  fileprivate func asksAsMuch(as old: Job) -> Bool {
    isWanted == old.isWanted && !requirements.isGlobal && requirements == old.requirements
  }
}

/// Why a machine does not take a unit.
public struct Refusal: Sendable, Equatable {
  /// The machine.
  public var machineID: String
  /// The reason, in fleet's words.
  public var reason: String

  /// Makes a refusal.
  public init(machineID: String, reason: String) {
    self.machineID = machineID
    self.reason = reason
  }
}
