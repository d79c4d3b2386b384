// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// What a shell offers for a word because the cluster has it; nothing when no node answers at once.
extension CompletionKind {
  static var unitsOfTheCluster: CompletionKind {
    .shellCommand("coracle unit files --no-legend --fields unit --timeout 2s 2>/dev/null")
  }

  static var machinesOfTheCluster: CompletionKind {
    .shellCommand("coracle machine list --no-legend --full --fields machine --timeout 2s 2>/dev/null")
  }
}
