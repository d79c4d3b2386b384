// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Glibc

/// The two clocks of a member, read without allocation.
enum Clocks {
  /// Nanoseconds of a clock that never jumps, for ticks and deadlines.
  static func monotonicNanoseconds() -> Int64 { read(CLOCK_MONOTONIC) }

  /// The wall clock, for stamps and the seconds left in answers.
  static func wall() -> Timestamp { Timestamp(nanosecondsSinceEpoch: read(CLOCK_REALTIME)) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
