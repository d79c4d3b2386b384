// SPDX-License-Identifier: Apache-2.0

/// A small, fast generator whose whole sequence follows from its seed (SplitMix64).
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014), section 4.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var counter: UInt64

  /// Makes a generator; equal seeds give equal sequences.
  public init(seed: UInt64) {
    counter = seed
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    counter &+= 0x9E37_79B9_7F4A_7C15
    var mixed = counter
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
