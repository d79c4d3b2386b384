// SPDX-License-Identifier: Apache-2.0
import Units

/// Keys that belong to no unit any more: what a write under way left behind when its unit was destroyed.
///
/// Only what stays for some time counts, since a unit that is being created looks alike for a moment.
struct Leftovers {
  enum Leftover: Hashable {
    /// Keys of a unit without an object.
    case unit(String)
    /// A file that no unit has.
    case file(UnitHash)
  }

  private var firstSeen: [Leftover: Duration] = [:]

  /// Takes note of what is left over now, and returns what has been for long enough.
  mutating func due(in image: RegistryImage, at now: Duration, after wait: Duration) -> [Leftover] {
    var leftovers = image.orphanedUnits.map { Leftover.unit($0) }
    leftovers += image.unusedFiles.map { .file($0) }
    var seen: [Leftover: Duration] = [:]
    for leftover in leftovers { seen[leftover] = firstSeen[leftover] ?? now }
    firstSeen = seen
    return seen.filter { now - $0.value >= wait }.map(\.key)
  }
}
