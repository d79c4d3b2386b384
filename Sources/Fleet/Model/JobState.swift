// SPDX-License-Identifier: Apache-2.0

/// The three states a unit is wanted in, and is in, cluster-wide.
///
/// `launched` means that the target machine was told to start it; what really runs is the unit state.
/// Source: specs/fleet.md §1.
public enum JobState: String, Sendable, CaseIterable, Comparable {
  /// Known, on no machine.
  case inactive
  /// On a machine, not started.
  case loaded
  /// On a machine and started.
  case launched

  /// Orders from inactive to launched.
  public static func < (left: JobState, right: JobState) -> Bool {
    left.rank < right.rank
  }

  private var rank: Int {
    switch self {
    case .inactive: 0
    case .loaded: 1
    case .launched: 2
    }
  }
}
