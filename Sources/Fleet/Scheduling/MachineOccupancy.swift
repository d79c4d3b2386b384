// SPDX-License-Identifier: Apache-2.0
import Units

/// The units that have their place on one machine, and the one rule by which another may join them.
///
/// Engine and agents use this same rule, so they cannot disagree about a conflict: specs/fleet.md §5.4, §14.8.
struct MachineOccupancy: Sendable {
  let machine: Machine
  private(set) var jobs: [String: Job] = [:]
  /// What it carries, by which machines are compared.
  private(set) var load = MachineLoad()
  /// Names of those that keep others away or send them away; most units do neither.
  private var exclusiveNames: Set<String> = []

  init(machine: Machine) {
    self.machine = machine
  }

  mutating func add(_ job: Job) {
    remove(job.name)
    jobs[job.name] = job
    load.add(job.requirements.reservation)
    if !job.requirements.conflicts.isEmpty || !job.requirements.replaces.isEmpty { exclusiveNames.insert(job.name) }
  }

  /// Takes over what changed about a unit that is here, and asks for the same as before.
  mutating func update(_ job: Job) { jobs[job.name] = job }

  mutating func remove(_ name: String) {
    guard let job = jobs.removeValue(forKey: name) else { return }
    load.remove(job.requirements.reservation)
    exclusiveNames.remove(name)
  }

  /// Why a unit may not come here beside what is here, in fleet's words; nil when it may.
  ///
  /// The checks come in fleet's order. Differs: `Replaces=` is directed. The unit that replaces is not refused (the
  /// replaced one moves away, see ``replacedJobs(by:)``); the one that was replaced may not come back beside it.
  func refusal(of job: Job) -> String? {
    if let reason = machine.refusal(of: job) { return reason }
    if machine.isDraining { return "machine is being drained" }
    if let reason = missingPeer(of: job) ?? conflict(of: job) { return reason }
    guard let replacing = replacingName(of: job) else { return nil }
    return "found replace with locally-scheduled Unit(\(replacing))"
  }

  /// Whether there is no ``refusal(of:)``, for one whose conflicts have been looked at already.
  func accepts(_ job: Job) -> Bool {
    guard machine.fits(job), !machine.isDraining else { return false }
    guard job.requirements.peers.allSatisfy({ jobs[$0] != nil && $0 != job.name }) else { return false }
    return exclusiveNames.isEmpty || replacingName(of: job) == nil
  }

  /// Whether a unit here sends another one here away.
  var hasReplacedJobs: Bool {
    !exclusiveNames.isEmpty && replacingJobs.contains { !replacedJobs(by: $0).isEmpty }
  }

  /// Why a unit lacks company here; nil when all its peers are here.
  func missingPeer(of job: Job) -> String? {
    job.requirements.peers.first { jobs[$0] == nil || $0 == job.name }
      .map { "required peer Unit(\($0)) is not scheduled locally" }
  }

  /// Why a unit cannot be beside those that are here; nil when nothing conflicts, in either direction.
  func conflict(of job: Job) -> String? {
    let names = conflictingNames(with: job)
    return names.isEmpty ? nil : "found conflict with locally-scheduled Unit([\(names.joined(separator: " "))])"
  }

  /// The units here that must leave when, or because, this unit is here; mutual replaces do not count.
  func replacedJobs(by job: Job) -> [Job] {
    guard !job.requirements.replaces.isEmpty else { return [] }
    return jobs.values
      .filter { $0.name != job.name && job.replaces($0) && !$0.replaces(job) }
      .sorted { $0.name < $1.name }
  }

  /// The units here that send others away, by name.
  var replacingJobs: [Job] {
    exclusiveNames.sorted().compactMap { jobs[$0] }.filter { !$0.requirements.replaces.isEmpty }
  }

  private func conflictingNames(with job: Job) -> [String] {
    var names = exclusiveNames.filter { name in
      name != job.name && (jobs[name]?.conflicts(with: job) ?? false)
    }
    if !job.requirements.conflicts.isEmpty {
      names.formUnion(jobs.values.filter { $0.name != job.name && job.conflicts(with: $0) }.map(\.name))
    }
    return names.sorted()
  }

  private func replacingName(of job: Job) -> String? {
    exclusiveNames.filter { name in
      guard name != job.name, let other = jobs[name] else { return false }
      return other.replaces(job) && !job.replaces(other)
    }.min()
  }
}

extension Job {
  fileprivate func conflicts(with other: Job) -> Bool {
    requirements.conflicts.contains { $0.matches(other.name) }
  }

  fileprivate func replaces(_ other: Job) -> Bool {
    requirements.replaces.contains { $0.matches(other.name) }
  }
}
