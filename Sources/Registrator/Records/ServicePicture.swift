// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Units

/// What is known of the containers and units of this machine, and what follows for their records.
///
/// Three answers, not two: what is seen running has a record, what is seen gone has none, and what cannot be seen keeps
/// the record it has until its time to live ends. Time is what has passed since the registrator began.
struct ServicePicture: Sendable {
  /// Whether the engine answers.
  enum Engine: Sendable, Equatable {
    /// It does; what it lists is what runs.
    case reached
    /// It does not: whether each container's process is still there, as far as that can be seen.
    case lost(processes: [ContainerID: Bool])
  }

  private struct FailedRun: Equatable {
    var keys: Set<String>
    /// Nil when records have no time to live.
    var until: Duration?
  }

  let configuration: RegistratorConfiguration
  /// The containers that run, in the engine's order, as last seen; nil before they were seen.
  var containers: [ContainerDetails]?
  /// Whether the engine answers.
  var engine = Engine.reached
  /// The units that are loaded; nil before they were seen.
  var units: [RegistrableUnit]?
  /// How the units' services are.
  var checks = CheckLedger()
  /// What is about to stop.
  var draining = Draining()

  private var failedRuns: [ContainerID: FailedRun] = [:]
  /// The keys of this run's last wants, by container and by unit.
  private var keysOfContainers: [ContainerID: Set<String>] = [:]
  private var keysOfUnits: [String: Set<String>] = [:]
  private var seenKeys: Set<String> = []

  init(configuration: RegistratorConfiguration) {
    self.configuration = configuration
  }

  /// A container has ended: what this means for its records, unless it runs again.
  ///
  /// Source: registrator, `-deregister on-success`; exit codes with bit 128 say a signal.
  mutating func ended(_ id: ContainerID, exitCode: Int32, at now: Duration) {
    guard configuration.deregistration == .onSuccess, exitCode != 0, exitCode & 128 == 0,
      let keys = keysOfContainers[id], !keys.isEmpty
    else { return }
    let ttl = configuration.ttlSeconds
    failedRuns[id] = FailedRun(keys: keys, until: ttl == 0 ? nil : now + .seconds(ttl))
  }

  /// The services that are to be checked.
  var checkedServices: Set<CheckLedger.Key> {
    var keys: Set<CheckLedger.Key> = []
    for unit in units ?? [] where unit.isUp {
      for announcement in unit.announcements where announcement.check != nil {
        keys.insert(CheckLedger.Key(unit: unit.name, announcement: announcement))
      }
    }
    return keys
  }

  /// The units that had records when last asked.
  var announcedUnits: Set<String> { Set(keysOfUnits.keys) }

  /// What the store should hold now.
  mutating func wanted(at now: Duration) -> WantedRecords {
    let running = containers ?? []
    draining.update(at: now, containers: running, units: units)
    failedRuns = failedRuns.filter { run in
      !running.contains { $0.id == run.key } && run.value.until.map { now < $0 } != false
    }
    var wanted = WantedRecords(leavesOthers: containers == nil || units == nil)
    (keysOfContainers, keysOfUnits) = ([:], [:])
    let records = ServiceRecords(configuration: configuration, containers: running)
    let layout = RecordLayout(configuration: configuration)
    for container in running where !draining.withholds(container) {
      let values = records.records(of: container).map(layout.values(of:))
      take(values, of: container, into: &wanted)
    }
    for unit in units ?? [] where unit.isUp && !draining.withholds(unit: unit.name) {
      for announcement in unit.announcements {
        let isGood =
          announcement.check == nil ? true : checks.isGood(.init(unit: unit.name, announcement: announcement))
        let values = layout.values(of: records.record(of: announcement, unit: unit.name))
        add(values, isTrue: isGood, to: &wanted)
        keysOfUnits[unit.name, default: []].formUnion(values.keys)
      }
    }
    for run in failedRuns.values { wanted.lingering.formUnion(run.keys) }
    wanted.lingering.subtract(wanted.values.keys)
    if wanted.leavesOthers { wanted.withdrawn = seenKeys.subtracting(wanted.values.keys) }
    seenKeys.formUnion(wanted.values.keys)
    if !wanted.leavesOthers { seenKeys = Set(wanted.values.keys) }
    return wanted
  }

  private mutating func take(
    _ values: [[String: String]],
    of container: ContainerDetails,
    into wanted: inout WantedRecords
  ) {
    let isThere: Bool? =
      switch engine {
      case .reached: true
      case .lost(let processes): processes[container.id]
      }
    for values in values {
      add(values, isTrue: isThere, to: &wanted)
      keysOfContainers[container.id, default: []].formUnion(values.keys)
      if let unit = container.labels[ContainerLabel.unit] { keysOfUnits[unit, default: []].formUnion(values.keys) }
    }
  }

  private func add(_ values: [String: String], isTrue: Bool?, to wanted: inout WantedRecords) {
    switch isTrue {
    case true?: wanted.values.merge(values) { _, new in new }
    case nil: wanted.lingering.formUnion(values.keys)
    case false?: break
    }
  }
}
