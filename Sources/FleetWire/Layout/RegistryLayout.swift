// SPDX-License-Identifier: Apache-2.0
public import Units

/// Where fleet keeps what in the store.
///
/// What fleet does not have stands beside it in a directory of its own, which fleet's programs do not read.
/// Source: specs/fleet.md §7.
public struct RegistryLayout: Sendable, Equatable {
  /// The directory everything is kept in, clean: `/_coreos.com/fleet`.
  public let prefix: String

  /// fleet's own prefix.
  public static let defaultPrefix = "/_coreos.com/fleet"

  /// Makes a layout; slashes around the prefix do not matter.
  public init(prefix: String = RegistryLayout.defaultPrefix) {
    self.prefix = prefix.split(separator: "/").map { "/\($0)" }.joined()
  }

  /// One place in the layout.
  public enum Place: Sendable, Hashable {
    /// `/machines/<id>/object`.
    case machine(String)
    /// `/machines/<id>/metadata/<key>`.
    case machineMetadata(machineID: String, key: String)
    /// `/unit/<sha1>`.
    case unitFile(UnitHash)
    /// `/job/<unit>/object`.
    case job(String)
    /// `/job/<unit>/target-state`.
    case targetState(String)
    /// `/job/<unit>/target`.
    case target(String)
    /// `/job/<unit>/job-state`.
    case jobState(String)
    /// `/states/<unit>/<machine id>`.
    case unitState(unit: String, machineID: String)
    /// `/lease/engine-leader`.
    case engineLease
    /// `/engine/version`.
    case engineVersion
    /// Ours: `/coracle/rolls/<unit>`.
    case roll(String)
    /// Ours: `/coracle/rebalancing`.
    case rebalancing
    /// Ours: `/coracle/rebalances-automatically`.
    case rebalancingSwitch
  }

  /// The key of a place.
  public func key(_ place: Place) -> String {
    switch place {
    case .machine(let id): "\(prefix)/machines/\(id)/object"
    case .machineMetadata(let id, let key): "\(prefix)/machines/\(id)/metadata/\(key)"
    case .unitFile(let hash): "\(prefix)/unit/\(hash)"
    case .job(let unit): "\(jobDirectory(unit))/object"
    case .targetState(let unit): "\(jobDirectory(unit))/target-state"
    case .target(let unit): "\(jobDirectory(unit))/target"
    case .jobState(let unit): "\(jobDirectory(unit))/job-state"
    case .unitState(let unit, let id): "\(stateDirectory(unit))/\(id)"
    case .engineLease: "\(prefix)/lease/engine-leader"
    case .engineVersion: "\(prefix)/engine/version"
    case .roll(let name): "\(rollDirectory)/\(name)"
    case .rebalancing: "\(ownDirectory)/rebalancing"
    case .rebalancingSwitch: "\(ownDirectory)/rebalances-automatically"
    }
  }

  /// The directory of everything about a unit.
  public func jobDirectory(_ unit: String) -> String { "\(prefix)/job/\(unit)" }

  /// The directory of a unit's states.
  public func stateDirectory(_ unit: String) -> String { "\(prefix)/states/\(unit)" }

  /// The directory of what fleet does not have.
  public var ownDirectory: String { "\(prefix)/coracle" }

  /// The directory of all rolls.
  public var rollDirectory: String { "\(ownDirectory)/rolls" }

  /// The place a key is; nil when nothing of fleet's is kept there.
  public func place(of key: String) -> Place? {
    guard key.hasPrefix(prefix + "/") else { return nil }
    let parts = key.utf8.dropFirst(prefix.utf8.count + 1).split(separator: UInt8(ascii: "/")).map { String($0) ?? "" }
    switch (parts.count, parts.first) {
    case (3, "machines") where parts[2] == "object": return .machine(parts[1])
    case (4, "machines") where parts[2] == "metadata": return .machineMetadata(machineID: parts[1], key: parts[3])
    case (2, "unit"): return UnitHash(hex: parts[1]).map { .unitFile($0) }
    case (3, "job"): return Self.jobPlace(unit: parts[1], leaf: parts[2])
    case (3, "states"): return .unitState(unit: parts[1], machineID: parts[2])
    case (2, "lease") where parts[1] == "engine-leader": return .engineLease
    case (2, "engine") where parts[1] == "version": return .engineVersion
    case (3, "coracle") where parts[1] == "rolls": return .roll(parts[2])
    case (2, "coracle") where parts[1] == "rebalancing": return .rebalancing
    case (2, "coracle") where parts[1] == "rebalances-automatically": return .rebalancingSwitch
    default: return nil
    }
  }

  private static func jobPlace(unit: String, leaf: String) -> Place? {
    switch leaf {
    case "object": .job(unit)
    case "target-state": .targetState(unit)
    case "target": .target(unit)
    case "job-state": .jobState(unit)
    default: nil
    }
  }
}
