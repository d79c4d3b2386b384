// SPDX-License-Identifier: Apache-2.0

/// Whom a change of the registry concerns.
struct RegistryChanges: Sendable {
  /// Units that the engine has to look at again.
  var units: Set<String> = []
  /// Machines that the engine has to look at again.
  var machines: Set<String> = []
  /// Whether the engine has to look though no unit or machine is to be placed anew.
  var wakesEngine = false
  var concernsAgent = false
  var concernsLease = false
  /// Units whose published state on the own machine has to be looked at again.
  var ownStates: Set<String> = []
  /// Whether everything the own machine publishes has to be looked at again.
  var concernsAllOwnStates = false

  var concernsEngine: Bool { !units.isEmpty || !machines.isEmpty || wakesEngine }

  mutating func machineChanged(_ id: String, isOwn: Bool) {
    machines.insert(id)
    if isOwn {
      concernsAgent = true
      concernsAllOwnStates = true
    }
  }
}
