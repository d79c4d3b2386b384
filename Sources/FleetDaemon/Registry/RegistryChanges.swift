// SPDX-License-Identifier: Apache-2.0

/// Whom a change of the registry concerns.
struct RegistryChanges: Sendable {
  var concernsEngine = false
  var concernsAgent = false
  var concernsLease = false
  /// Units whose published state on the own machine has to be looked at again.
  var ownStates: Set<String> = []
  /// Whether everything the own machine publishes has to be looked at again.
  var concernsAllOwnStates = false

  mutating func machineChanged(_ id: String, isOwn: Bool) {
    concernsEngine = true
    if isOwn {
      concernsAgent = true
      concernsAllOwnStates = true
    }
  }
}
