// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import Raft

/// How often what goes wrong in one run; drawn from the seed, so that runs differ in character.
struct FaultRates {
  /// Faults per million milliseconds.
  var crash: Int
  var crashInsideDisk: Int
  var crashAll: Int
  var pause: Int
  var cut: Int
  var heal: Int
  var diskFailure: Int
  var diskFull: Int
  var diskRecovery: Int
  var clockJump: Int
  var brokenStream: Int
  var transfer: Int
  var membership: Int

  var dropPercent: Int
  var duplicatePercent: Int
  var delayMilliseconds: ClosedRange<Int>
  var restartMilliseconds: ClosedRange<Int>
  /// Leaders come and go, see ``becomeElectionStorm()``.
  var isElectionStorm: Bool
  /// How many of a hundred new leaders are lost right after their election (paper, figure 8).
  var leaderLossPercent: Int
  /// Milliseconds between two client operations, on average.
  var operationMilliseconds: Int

  init(using random: inout SplitMix64) {
    crash = random.pick([0, 1_000, 4_000])
    crashInsideDisk = random.pick([0, 2_000, 10_000])
    crashAll = random.pick([0, 0, 500])
    pause = random.pick([0, 1_000])
    cut = random.pick([0, 2_000, 8_000])
    heal = random.pick([2_000, 6_000])
    diskFailure = random.pick([0, 0, 1_000])
    diskFull = random.pick([0, 0, 500])
    diskRecovery = 5_000
    clockJump = random.pick([0, 1_000])
    brokenStream = random.pick([0, 2_000, 10_000])
    transfer = random.pick([0, 1_000])
    membership = random.pick([0, 2_000, 20_000])
    dropPercent = random.pick([0, 1, 10, 30])
    duplicatePercent = random.pick([0, 5, 20])
    delayMilliseconds = random.pick([1...2, 1...20, 1...80])
    restartMilliseconds = random.pick([1...20, 10...400])
    leaderLossPercent = random.pick([0, 0, 50, 90])
    isElectionStorm = random.chance(20)
    operationMilliseconds = random.pick([5, 20])
    if isElectionStorm { becomeElectionStorm() }
  }
}

extension FaultRates {
  /// Nothing goes wrong by itself.
  mutating func calm() {
    leaderLossPercent = 0
    dropPercent = 0
    duplicatePercent = 0
    delayMilliseconds = 1...5
    restartMilliseconds = 1...100
    operationMilliseconds = 10
  }

  /// Nearly every leader is lost in the middle of replicating, and little else happens (paper, figure 8).
  private mutating func becomeElectionStorm() {
    crash = 500
    crashInsideDisk = 0
    crashAll = 0
    pause = 0
    cut = 0
    heal = 2_000
    diskFailure = 0
    diskFull = 0
    brokenStream = 0
    transfer = 0
    membership = 0
    dropPercent = 0
    delayMilliseconds = 1...20
    leaderLossPercent = 90
    operationMilliseconds = 100
  }
}

extension RaftSettings {
  /// Small limits, drawn from the seed, so that every limit is met.
  static func drawn(
    using random: inout SplitMix64,
    isElectionStorm: Bool,
    breaking rule: BrokenRule?
  ) -> RaftSettings {
    var settings = RaftSettings()
    settings.messageLimitBytes = random.pick([1, 200, 1_000, 1 << 20])
    settings.inflightMessages = random.pick([1, 4, 256])
    settings.cachedEntries = random.pick([2, 20, 4_096])
    settings.snapshotEntries = random.pick([10, 50, 10_000])
    settings.trailingEntries = random.pick([0, 5, 20])
    settings.snapshotChunkBytes = random.pick([40, 300, 1 << 20])
    settings.uncommittedLimitBytes = random.pick([500, 64 << 20])
    settings.promotionEntries = 10
    settings.brokenRule = rule
    if isElectionStorm { settings.messageLimitBytes = 1 }
    return settings
  }
}
