// SPDX-License-Identifier: Apache-2.0

/// What a unit says it takes of a machine; machines with equally many units are compared by the sum of it.
///
/// Nothing is refused because of a reservation: it only makes the choice among machines.
public struct UnitReservation: Sendable, Hashable {
  /// `Weight=` of `[X-Fleet]`, ours: a whole number from 0 to ``maximumWeight``, in whatever unit the operator thinks.
  public var weight: UInt64
  /// `MemoryMax=`, or what it was called before, `MemoryLimit=`; in bytes.
  public var memoryBytes: UInt64
  /// `CPUQuota=`, in hundredths of one processor.
  public var cpuPercent: UInt64

  /// The greatest `Weight=`.
  public static let maximumWeight: UInt64 = 1_000_000
  /// What is greater is no amount of memory, and no share of processors, but a mistake.
  private static let maximumAmount: UInt64 = 1 << 60

  /// Makes a reservation, of nothing by itself.
  public init(weight: UInt64 = 0, memoryBytes: UInt64 = 0, cpuPercent: UInt64 = 0) {
    self.weight = weight
    self.memoryBytes = memoryBytes
    self.cpuPercent = cpuPercent
  }

  /// Reads what a file reserves; the last value of an option counts, and what cannot be read reserves nothing.
  ///
  /// `infinity` is no limit and so no reservation; a share of the machine's memory (`MemoryMax=10%`) is unknown here.
  public init(of file: UnitFile) {
    self.init()
    for option in file.options {
      switch (option.section, option.name) {
      case (UnitRequirements.section, "Weight"):
        weight = UInt64(option.value).flatMap { $0 <= Self.maximumWeight ? $0 : nil } ?? 0
      case ("Service", "MemoryMax"), ("Service", "MemoryLimit"):
        memoryBytes = ResourceAmount.bytes(option.value).flatMap { $0 <= Self.maximumAmount ? $0 : nil } ?? 0
      case ("Service", "CPUQuota"):
        guard option.value.hasSuffix("%") else { break }
        cpuPercent = min((ResourceAmount.percentage(option.value) ?? 0) / 100, Self.maximumAmount)
      default: break
      }
    }
  }
}
