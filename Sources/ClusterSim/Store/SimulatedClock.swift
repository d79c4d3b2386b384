// SPDX-License-Identifier: Apache-2.0

import EtcdStore
@_spi(Simulation) import EtcdServer
import Synchronization

/// The two clocks of one simulated member: its wall clock drifts and jumps, its monotonic one is that of the simulation.
final class SimulatedClock: Sendable {
  /// Where wall clocks begin: 2026-01-01.
  private static let startNanoseconds: Int64 = 1_767_225_600_000_000_000

  private let wall = Atomic<Int64>(startNanoseconds)
  private let monotonic = Atomic<Int64>(0)

  /// Moves both clocks on.
  ///
  /// - Parameters:
  ///   - time: Milliseconds since the start of the simulation.
  ///   - error: How far the wall clock is off, in milliseconds.
  ///   - drift: How many thousandths the wall clock runs too fast.
  func advance(to time: Int, error: Int, drift: Int) {
    let elapsed = Int64(time) * 1_000_000
    monotonic.store(elapsed, ordering: .relaxed)
    let drifted = elapsed + elapsed / 1_000 * Int64(drift)
    wall.store(Self.startNanoseconds + drifted + Int64(error) * 1_000_000, ordering: .relaxed)
  }

  var wallNanoseconds: Int64 { wall.load(ordering: .relaxed) }

  /// As a member reads them.
  var clocks: MemberClocks {
    MemberClocks(
      wall: { Timestamp(nanosecondsSinceEpoch: self.wall.load(ordering: .relaxed)) },
      monotonicNanoseconds: { self.monotonic.load(ordering: .relaxed) }
    )
  }
}
