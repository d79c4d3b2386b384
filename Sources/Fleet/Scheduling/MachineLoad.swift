// SPDX-License-Identifier: Apache-2.0
import Units

/// What a machine carries, as far as machines are compared by it: first the number of units, then what they reserve.
///
/// Of what is reserved the weight counts first, since an operator wrote it for this; then memory, then processors.
/// Differs: fleet compares the number of units alone. Source: specs/fleet.md §5.4.
struct MachineLoad: Sendable, Hashable, Comparable {
  private(set) var units = 0
  private(set) var weight: UInt64 = 0
  private(set) var memoryBytes: UInt64 = 0
  private(set) var cpuPercent: UInt64 = 0

  mutating func add(_ reservation: UnitReservation) {
    units += 1
    weight &+= reservation.weight
    memoryBytes &+= reservation.memoryBytes
    cpuPercent &+= reservation.cpuPercent
  }

  mutating func remove(_ reservation: UnitReservation) {
    units -= 1
    weight &-= reservation.weight
    memoryBytes &-= reservation.memoryBytes
    cpuPercent &-= reservation.cpuPercent
  }

  static func < (left: MachineLoad, right: MachineLoad) -> Bool {
    if left.units != right.units { return left.units < right.units }
    if left.weight != right.weight { return left.weight < right.weight }
    if left.memoryBytes != right.memoryBytes { return left.memoryBytes < right.memoryBytes }
    return left.cpuPercent < right.cpuPercent
  }
}
