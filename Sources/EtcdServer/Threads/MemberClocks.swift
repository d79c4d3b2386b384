// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// The clocks that a member decides by: those of the system, or those of a simulation.
@_spi(Simulation)
public struct MemberClocks: Sendable {
  /// The wall clock, which may jump.
  public var wall: @Sendable () -> Timestamp
  /// Nanoseconds of a clock that never jumps, for deadlines.
  public var monotonicNanoseconds: @Sendable () -> Int64

  /// Makes a pair of clocks.
  public init(wall: @escaping @Sendable () -> Timestamp, monotonicNanoseconds: @escaping @Sendable () -> Int64) {
    self.wall = wall
    self.monotonicNanoseconds = monotonicNanoseconds
  }

  /// The system's own.
  static let system = MemberClocks(wall: { Clocks.wall() }, monotonicNanoseconds: { Clocks.monotonicNanoseconds() })
}
