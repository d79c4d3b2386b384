// SPDX-License-Identifier: Apache-2.0

/// The cluster at one moment, as the store showed it.
public struct ClusterSnapshot: Sendable, Equatable {
  /// Every unit, by name.
  public let jobs: [Job]
  /// The machines that are present, by id.
  public let machines: [Machine]
  /// Whether a machine that is not present is known to be lost.
  ///
  /// False means *unknown*: its units stay where they are, and go on counting there.
  public let areAbsentMachinesLost: Bool

  /// Makes a snapshot; the order of the arguments' elements does not matter.
  public init(jobs: [Job], machines: [Machine], areAbsentMachinesLost: Bool) {
    self.jobs = jobs.sorted { $0.name < $1.name }
    self.machines = machines.sorted { $0.id < $1.id }
    self.areAbsentMachinesLost = areAbsentMachinesLost
  }
}
