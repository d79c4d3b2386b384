// SPDX-License-Identifier: Apache-2.0

/// What can be done to a cluster under load; the raw value is its name on the command line and in the table.
enum Fault: String, CaseIterable, Sendable {
  case killLeader = "kill-leader"
  case killFollower = "kill-follower"
  case killMajority = "kill-majority"
  case killAll = "kill-all"
  case pauseLeader = "pause-leader"
  case pauseFollower = "pause-follower"
  case pauseMajority = "pause-majority"
  case partitionLeader = "partition-leader"
  case partitionFollower = "partition-follower"
  case partitionMinority = "partition-minority"
  case partitionBridge = "partition-bridge"
  case oneWayFromLeader = "one-way-from-leader"
  case oneWayToLeader = "one-way-to-leader"
  case flappingLeader = "flapping-leader"
  case clockForward = "clock-forward"
  case clockBack = "clock-back"
  case clockStrobe = "clock-strobe"
  case slowDiskLeader = "slow-disk-leader"
  case slowDiskMajority = "slow-disk-majority"
  case fullDiskLeader = "full-disk-leader"
  case fullDiskFollower = "full-disk-follower"
  case fullDiskAll = "full-disk-all"
  case laggingFollower = "lagging-follower"
  case laggingPaused = "lagging-paused"
  case replaceMember = "replace-member"
  case compound = "compound"

  /// What happens, for the table.
  var summary: String {
    switch self {
    case .killLeader: "SIGKILL of the leader, started again after a second"
    case .killFollower: "SIGKILL of a follower, started again after a second"
    case .killMajority: "SIGKILL of a majority with the leader, started again after a second"
    case .killAll: "SIGKILL of all members at once"
    case .pauseLeader: "SIGSTOP of the leader for longer than an election, then SIGCONT"
    case .pauseFollower: "SIGSTOP of a follower, then SIGCONT"
    case .pauseMajority: "SIGSTOP of a majority with the leader, then SIGCONT"
    case .partitionLeader: "the leader cut off from all others"
    case .partitionFollower: "a follower cut off from all others"
    case .partitionMinority: "the leader in a minority, the majority on the other side"
    case .partitionBridge: "two halves that only one member reaches"
    case .oneWayFromLeader: "what the leader sends is lost, what it is sent arrives"
    case .oneWayToLeader: "what the leader is sent is lost, what it sends arrives"
    case .flappingLeader: "the leader cut off and joined again every 300 ms"
    case .clockForward: "the leader's clock jumps an hour forward, and back at the end"
    case .clockBack: "the leader's clock jumps an hour back, and forward at the end"
    case .clockStrobe: "the clocks of all members jump by up to an hour, again and again"
    case .slowDiskLeader: "each sync of the leader's disk takes 1.5 s"
    case .slowDiskMajority: "each sync of the disks of a majority takes 400 ms"
    case .fullDiskLeader: "the leader's disk is full, then has space again"
    case .fullDiskFollower: "a follower's disk is full, then has space again"
    case .fullDiskAll: "all disks are full, then have space again"
    case .laggingFollower: "a follower is off until the log it needs is compacted"
    case .laggingPaused: "a follower stands still until the log it needs is compacted"
    case .replaceMember: "a member is removed for good; one with an empty disk is added in its place"
    case .compound: "two of the above one into the other"
    }
  }

  /// Those that a compound is made of: each can be undone at any moment.
  static let compoundable: [Fault] = [
    .killLeader, .killFollower, .pauseLeader, .pauseFollower, .partitionLeader, .partitionFollower, .oneWayFromLeader,
    .oneWayToLeader, .clockForward, .clockBack, .slowDiskLeader, .fullDiskFollower,
  ]
}
