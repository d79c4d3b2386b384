// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Fleet
import FleetWire
import Units

/// A value with the index at which the store took it.
struct Stamped<Value: Sendable>: Sendable {
  var value: Value
  var index: EtcdIndex
}

/// What the store holds about one unit.
struct JobImage: Sendable {
  /// Nil for what is left of a unit that is gone.
  var hash: UnitHash?
  var targetState: Stamped<JobState>?
  var target: Stamped<String>?
  var launchedBy: Stamped<String>?
  /// The `[X-Fleet]` section; nil while the file is unknown.
  var requirements: UnitRequirements?
  /// What becomes of it once it has done its work; nil when it is no oneshot, or while the file is unknown.
  var oneshot: Oneshot?
  /// Whether the name is that of a template; the same for all its life.
  var isTemplate = false

  var isEmpty: Bool { hash == nil && targetState == nil && target == nil && launchedBy == nil }
  var isGlobal: Bool { requirements?.isGlobal ?? false }
}

/// The registry as this machine knows it: the tree of fleet's keys, read into its words.
///
/// It starts from a listing and follows the events of a watch, so it is what the store held at ``index``. What cannot
/// be read is left out.
struct RegistryImage: Sendable {
  let layout: RegistryLayout
  /// The machine this image is kept on: changes are told apart by whether they concern it.
  let machineID: String
  private(set) var index: EtcdIndex = .zero
  private(set) var machines: [String: Stamped<MachineRecord>] = [:]
  private(set) var metadataOverrides: [String: [String: String]] = [:]
  private(set) var jobs: [String: JobImage] = [:]
  private(set) var files: [UnitHash: Stamped<UnitFile>] = [:]
  private(set) var unitStates: [String: [String: Stamped<UnitStateRecord>]] = [:]
  private(set) var lease: Stamped<EngineLeaseRecord>?
  private(set) var engineVersion: Int?
  /// Units by the file they have: their requirements are read when the file arrives.
  private var unitsByHash: [UnitHash: Set<String>] = [:]
  /// Units by the machine they are placed on.
  private(set) var unitsByTarget: [String: Set<String>] = [:]
  private(set) var globalUnits: Set<String> = []
  /// Units by the machine that says it has started them.
  private(set) var unitsByLauncher: [String: Set<String>] = [:]
  /// Units by the machines that say something about them.
  private(set) var unitsByPublisher: [String: Set<String>] = [:]
  /// Machines that are not present, and of which there is still something that they said.
  private(set) var absentPublishers: Set<String> = []
  /// Machines that are present and being drained.
  private(set) var drainingMachines: Set<String> = []
  /// Keys of units that have no object: what is left of units that are gone.
  private(set) var orphanedUnits: Set<String> = []
  /// Files that no unit has, and no roll needs.
  private(set) var unusedFiles: Set<UnitHash> = []
  private(set) var rolls = RollIndex()
  private(set) var rebalancing: Stamped<Rebalancing>?
  /// Whether machines are evened out by themselves when one has come.
  private(set) var rebalancesAutomatically = false

  init(layout: RegistryLayout, machineID: String) {
    self.layout = layout
    self.machineID = machineID
  }

  /// Reads a recursive listing of the registry's directory; nil means that there is none.
  init(layout: RegistryLayout, machineID: String, listing: NodeView?, at index: EtcdIndex) {
    self.init(layout: layout, machineID: machineID)
    var pending = listing.map { [$0] } ?? []
    var changes = RegistryChanges()
    while let node = pending.popLast() {
      pending += node.nodes ?? []
      if let place = layout.place(of: node.key), let value = node.value {
        put(value, at: place, node.modifiedIndex, &changes)
      }
    }
    self.index = index
  }

  /// Whether any unit has a file, or a roll needs it.
  func isUsed(_ hash: UnitHash) -> Bool { unitsByHash[hash] != nil || rolls.keeps(hash) }

  /// Follows one event and says whom it concerns.
  mutating func apply(_ event: Event) -> RegistryChanges {
    var changes = RegistryChanges()
    index = max(index, event.etcdIndex)
    switch event.action {
    case .get:
      break
    case .delete, .compareAndDelete, .expire:
      if event.node.isDirectory {
        for place in places(below: event.node.key) { put(nil, at: place, event.etcdIndex, &changes) }
      } else if let place = layout.place(of: event.node.key) {
        put(nil, at: place, event.etcdIndex, &changes)
      }
    case .set, .create, .update, .compareAndSwap:
      if let place = layout.place(of: event.node.key), let value = event.node.value {
        put(value, at: place, event.node.modifiedIndex, &changes)
      }
    }
    return changes
  }

  private mutating func put(
    _ value: String?,
    at place: RegistryLayout.Place,
    _ index: EtcdIndex,
    _ changes: inout RegistryChanges
  ) {
    switch place {
    case .machine(let id):
      machines[id] = value.flatMap(MachineRecord.init(value:)).map { Stamped(value: $0, index: index) }
      notePublisher(id)
      noteDraining(id)
      changes.machineChanged(id, isOwn: id == machineID)
      // What another machine says counts while it is present.
      let ownUnits = unitsByTarget[machineID] ?? []
      if unitsByPublisher[id].map({ !$0.isDisjoint(with: ownUnits) }) ?? false { changes.concernsAgent = true }
    case .machineMetadata(let id, let key):
      metadataOverrides[id, default: [:]][key] = value
      if metadataOverrides[id]?.isEmpty ?? false { metadataOverrides[id] = nil }
      noteDraining(id)
      changes.machineChanged(id, isOwn: id == machineID)
    case .unitFile(let hash):
      let wasKnown = files[hash] != nil
      files[hash] = value.flatMap(UnitFileRecord.file).map { Stamped(value: $0, index: index) }
      // A file under its own hash never changes; writing it again concerns nobody.
      guard wasKnown != (files[hash] != nil) else { return }
      noteUse(of: hash)
      for unit in unitsByHash[hash] ?? [] { changeJob(unit, &changes) { _ in } }
    case .job(let unit):
      changeJob(unit, &changes) { $0.hash = value.flatMap(JobRecord.init(value:))?.hash }
    case .targetState(let unit):
      let targetState = value.flatMap(JobState.init(rawValue:)).map { Stamped(value: $0, index: index) }
      changeJob(unit, &changes) { $0.targetState = targetState }
    case .target(let unit):
      changeJob(unit, &changes) { $0.target = value.map { Stamped(value: $0, index: index) } }
    case .jobState(let unit):
      changeJob(unit, &changes, concernsEngine: false) {
        $0.launchedBy = value.map { Stamped(value: $0, index: index) }
      }
    case .unitState(let unit, let id):
      unitStates[unit, default: [:]][id] = value.flatMap(UnitStateRecord.init(value:))
        .map { Stamped(value: $0, index: index) }
      unitsByPublisher.set(unit, unitStates[unit]?[id] != nil, under: id)
      if unitStates[unit]?.isEmpty ?? false { unitStates[unit] = nil }
      notePublisher(id)
      if id == machineID {
        changes.ownStates.insert(unit)
      } else if jobs[unit]?.target?.value == machineID || isGivingAway(machineID) {
        changes.concernsAgent = true
      }
      // A machine that is being drained gives the next unit away when it has got rid of the last.
      if drainingMachines.contains(id) { changes.machines.insert(id) }
      if rolls.isRolling(unit) || isMoving(unit) { changes.wakesEngine = true }
    case .engineLease:
      lease = value.map { Stamped(value: EngineLeaseRecord(value: $0), index: index) }
      changes.concernsLease = true
    case .engineVersion:
      engineVersion = value.flatMap { Int($0) }
    case .roll(let name):
      put(value.flatMap(Roll.init(value:)).map { Stamped(value: $0, index: index) }, name, &changes)
    case .rebalancing:
      let old = rebalancing?.value.current
      rebalancing = value.flatMap(Rebalancing.init(value:)).map { Stamped(value: $0, index: index) }
      changes.wakesEngine = true
      let movers = [old, rebalancing?.value.current].compactMap { $0 }
      if movers.contains(where: { $0.from == machineID || $0.to == machineID }) { changes.concernsAgent = true }
    case .rebalancingSwitch:
      rebalancesAutomatically = value == "true"
    }
  }

  private mutating func put(_ roll: Stamped<Roll>?, _ name: String, _ changes: inout RegistryChanges) {
    let units = Set([rolls.rolls[name]?.value, roll?.value].compactMap { $0?.copies.map(\.unit) }.joined())
    let before = ownDirectives(for: units)
    for hash in rolls.set(roll, named: name) { noteUse(of: hash) }
    changes.wakesEngine = true
    if ownDirectives(for: units) != before { changes.concernsAgent = true }
  }

  /// What rolls want of the own machine's copies of units.
  private func ownDirectives(for units: Set<String>) -> [String: RollDirective] {
    var directives: [String: RollDirective] = [:]
    for unit in units where jobs[unit]?.isGlobal ?? false || jobs[unit]?.target?.value == machineID {
      directives[unit] = rolls.directive(for: unit, on: machineID, present: jobs[unit]?.hash)
    }
    return directives
  }

  /// Whether a machine may run units that are placed elsewhere until they run there.
  func isGivingAway(_ id: String) -> Bool {
    drainingMachines.contains(id) || rebalancing?.value.current?.from == id
  }

  private func isMoving(_ unit: String) -> Bool { rebalancing?.value.current?.units.contains(unit) ?? false }

  private mutating func changeJob(
    _ unit: String,
    _ changes: inout RegistryChanges,
    concernsEngine: Bool = true,
    _ change: (inout JobImage) -> Void
  ) {
    let old = jobs[unit] ?? JobImage(isTemplate: (try? UnitName(unit))?.isTemplate ?? false)
    var job = old
    change(&job)
    if let hash = job.hash, let file = files[hash] {
      if old.hash != hash || job.requirements == nil {
        job.requirements = UnitRequirements(of: file.value, unitName: unit)
        job.oneshot = file.value.oneshot
      }
    } else {
      job.requirements = nil
      job.oneshot = nil
    }
    jobs[unit] = job.isEmpty ? nil : job
    if old.hash != job.hash {
      if let hash = old.hash {
        unitsByHash.set(unit, false, under: hash)
        noteUse(of: hash)
      }
      if let hash = job.hash {
        unitsByHash.set(unit, true, under: hash)
        noteUse(of: hash)
      }
    }
    index(unit, old, job)
    let isOwn = [old, job].contains { $0.target?.value == machineID || $0.isGlobal }
    if concernsEngine {
      changes.units.insert(unit)
      changes.concernsAgent = changes.concernsAgent || isOwn
    }
    if isOwn || [old, job].contains(where: { $0.launchedBy?.value == machineID }) { changes.ownStates.insert(unit) }
  }

  private mutating func index(_ unit: String, _ old: JobImage, _ job: JobImage) {
    if old.target?.value != job.target?.value {
      if let id = old.target?.value { unitsByTarget.set(unit, false, under: id) }
      if let id = job.target?.value { unitsByTarget.set(unit, true, under: id) }
    }
    if old.launchedBy?.value != job.launchedBy?.value {
      if let id = old.launchedBy?.value { unitsByLauncher.set(unit, false, under: id) }
      if let id = job.launchedBy?.value { unitsByLauncher.set(unit, true, under: id) }
    }
    globalUnits.set(unit, job.isGlobal)
    orphanedUnits.set(unit, !job.isEmpty && job.hash == nil)
  }

  private mutating func noteUse(of hash: UnitHash) {
    unusedFiles.set(hash, files[hash] != nil && !isUsed(hash))
  }

  private mutating func noteDraining(_ id: String) {
    drainingMachines.set(id, machine(id)?.isDraining ?? false)
  }

  private mutating func notePublisher(_ id: String) {
    absentPublishers.set(id, machines[id] == nil && unitsByPublisher[id] != nil)
  }
}

extension Set {
  /// Adds an element, or takes it out.
  mutating func set(_ element: Element, _ isMember: Bool) {
    if isMember { insert(element) } else { remove(element) }
  }
}
