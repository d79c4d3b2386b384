// SPDX-License-Identifier: Apache-2.0

extension UnitJobs {
  /// Why a unit is not started.
  public enum Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such unit here.
    case notLoaded(UnitName)
    /// Something that is required is not on this machine.
    case missing(String, requiredBy: UnitName)
    /// Something that is required did not start.
    case failed(UnitName, requiredBy: UnitName)
    /// Something that has to be active already is not.
    case notActive(String, requisiteOf: UnitName)
    /// Two units that would have to be started together conflict.
    case conflicting(UnitName, UnitName)
    /// The start took too long.
    case timedOut(UnitName)

    /// One sentence.
    public var description: String {
      switch self {
      case .notLoaded(let name): "unit \(name) is not loaded on this machine"
      case .missing(let name, let unit):
        "dependency failed for \(unit): it requires \(name), which is not on this machine"
      case .failed(let name, let unit): "dependency failed for \(unit): \(name), which it requires, did not start"
      case .notActive(let name, let unit): "dependency failed for \(unit): \(name) is not active (Requisite=)"
      case .conflicting(let one, let other): "\(one) and \(other) cannot be started together: they conflict"
      case .timedOut(let name): "the start of \(name) was given up: it took longer than its job may (JobTimeoutSec=)"
      }
    }
  }
}
