// SPDX-License-Identifier: Apache-2.0

/// The time that a leader stamps entries with: its wall clock, but never behind a stamp that the log already has.
///
/// A leader whose wall clock is behind the log's last stamp (the leader before it ran fast, or its own clock was set
/// back) runs ahead of its wall clock by the difference. Time goes on from there, an eighth slower than it passes, until
/// the wall clock has caught up: a stamp that stood still instead would keep every time to live from ending.
struct StampClock: Sendable {
  /// A wall clock that moves further than this between two turns was set, rather than passed.
  private static let jumpNanoseconds: Int64 = 1_000_000_000
  /// One part in so many of the lead's time is given back.
  private static let slowing: Int64 = 8

  /// The wall clock as the host last gave it.
  private(set) var wallNanoseconds: Int64 = 0
  /// How far stamps are ahead of it; never negative.
  private(set) var leadNanoseconds: Int64 = 0

  /// The stamp of an entry that is appended now.
  var stampNanoseconds: Int64 { wallNanoseconds &+ leadNanoseconds }

  /// Takes over a reading of the wall clock.
  mutating func advance(to wall: Int64) {
    let elapsed = wall &- wallNanoseconds
    let stamp = stampNanoseconds
    wallNanoseconds = wall
    let passed = (0...Self.jumpNanoseconds).contains(elapsed) ? elapsed - elapsed / Self.slowing : 0
    leadNanoseconds = max(0, (stamp &+ passed) &- wall)
  }

  /// Catches up with the last stamp of the log.
  mutating func reach(_ stamp: Int64) {
    leadNanoseconds = max(leadNanoseconds, stamp &- wallNanoseconds)
  }

  /// Forgets the lead; the log tells it again to whoever becomes leader.
  mutating func follow() {
    leadNanoseconds = 0
  }
}
