// SPDX-License-Identifier: Apache-2.0

/// What the store should hold of this machine's records.
struct WantedRecords: Sendable, Equatable {
  /// Values by key: written when they are not there, kept alive, put right.
  var values: [String: String] = [:]
  /// Keys that are left as they are and not kept alive: nobody knows whether they are still true, so their time to live
  /// decides.
  var lingering: Set<String> = []
  /// Whether what an earlier run left is left as it is too: a part of the machine has not been seen yet.
  var leavesOthers = false
  /// Keys that are removed even so: this run has seen what they stood for, and it is gone.
  var withdrawn: Set<String> = []

  /// Whether a record of this machine's that is not wanted stays.
  func leaves(_ key: String) -> Bool {
    lingering.contains(key) || (leavesOthers && !withdrawn.contains(key))
  }
}
