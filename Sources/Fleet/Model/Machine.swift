// SPDX-License-Identifier: Apache-2.0
import Units

/// A machine that is present.
public struct Machine: Sendable, Equatable {
  /// 32 hex digits.
  public var id: String
  /// Effective metadata.
  public var metadata: [String: String]
  /// Whether it is being emptied: it takes no unit, and its units move away one after another.
  public var isDraining: Bool

  /// The key of a machine's metadata that has it drained while it is `true`: kept in the store, so that any leader goes on.
  public static let drainingKey = "coracle.draining"

  /// Makes a machine.
  public init(id: String, metadata: [String: String] = [:], isDraining: Bool = false) {
    self.id = id
    self.metadata = metadata
    self.isDraining = isDraining
  }

  /// Whether `MachineID=` names this machine: by the whole id or its first eight digits.
  public func isNamed(by required: String) -> Bool {
    required == id || (required.utf8.count == 8 && id.hasPrefix(required))
  }

  /// Why a unit cannot run on this machine, whatever else runs there; nil when it can.
  func refusal(of job: Job) -> String? {
    if let required = job.requirements.machineID, !isNamed(by: required) {
      return "agent ID \"\(id)\" does not match required \"\(required)\""
    }
    return hasMetadata(of: job) ? nil : "local Machine metadata insufficient"
  }

  /// Whether there is no ``refusal(of:)``.
  func fits(_ job: Job) -> Bool {
    if let required = job.requirements.machineID, !isNamed(by: required) { return false }
    return hasMetadata(of: job)
  }

  private func hasMetadata(of job: Job) -> Bool {
    job.requirements.metadata.allSatisfy { requirement in
      metadata[requirement.key].map(requirement.values.contains) ?? false
    }
  }
}
