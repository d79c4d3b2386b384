// SPDX-License-Identifier: Apache-2.0

/// One thing the engine has to do, with the reason that it logs and publishes.
public enum ClusterTask: Sendable, Equatable {
  /// Gives a unit its machine, if it still has none.
  case schedule(job: String, to: String, reason: String)
  /// Takes a unit off its machine, if it is still there.
  case unschedule(job: String, from: String, reason: String)
  /// Takes a unit from one machine to another in one step, if it is still on the first.
  case move(job: String, from: String, to: String, reason: String)

  /// The unit it is about.
  public var job: String {
    switch self {
    case .schedule(let job, _, _), .unschedule(let job, _, _), .move(let job, _, _, _): job
    }
  }

  /// Why it has to be done.
  public var reason: String {
    switch self {
    case .schedule(_, _, let reason), .unschedule(_, _, let reason), .move(_, _, _, let reason): reason
    }
  }

  /// The machine that a unit is taken from because that is lost; nil for every other task.
  public var lostMachineID: String? {
    switch self {
    case .unschedule(_, let from, let reason), .move(_, let from, _, let reason):
      reason == Self.lossReason(of: from) ? from : nil
    case .schedule: nil
    }
  }

  /// Whether a unit is taken from a machine that is there and cannot run it.
  public var leavesUnableMachine: Bool {
    switch self {
    case .unschedule(_, let from, let reason), .move(_, let from, _, let reason):
      reason.hasPrefix(Self.inabilityReason(of: from, ""))
    case .schedule: false
    }
  }

  /// Why a unit leaves a machine that cannot run it, and why that cannot.
  static func inabilityReason(of machineID: String, _ why: String) -> String {
    "target Machine(\(machineID)) unable to run unit: \(why)"
  }

  /// Why a unit leaves a machine that is lost.
  static func lossReason(of machineID: String) -> String { "target Machine(\(machineID)) went away" }
}
