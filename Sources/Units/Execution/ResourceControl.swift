// SPDX-License-Identifier: Apache-2.0

/// What all processes of a unit together may use.
///
/// Source: systemd.resource-control(5).
public struct ResourceControl: Sendable, Equatable, Codable {
  /// `MemoryMin=`.
  public var memoryMin: ResourceAmount?
  /// `MemoryLow=`.
  public var memoryLow: ResourceAmount?
  /// `MemoryHigh=`.
  public var memoryHigh: ResourceAmount?
  /// `MemoryMax=`.
  public var memoryMax: ResourceAmount?
  /// `MemorySwapMax=`.
  public var memorySwapMax: ResourceAmount?
  /// `MemoryLimit=`, which `MemoryMax=` replaced.
  public var memoryLimit: ResourceAmount?
  /// `CPUWeight=`, 1 to 10000; 0 is `idle`.
  public var cpuWeight: UInt64?
  /// `CPUShares=`, 2 to 262144, which `CPUWeight=` replaced.
  public var cpuShares: UInt64?
  /// `CPUQuota=`, in microseconds of processor time a second; nil is no limit.
  public var cpuMicrosecondsPerSecond: UInt64?
  /// `CPUQuotaPeriodSec=`, in microseconds.
  public var cpuPeriodMicroseconds: UInt64 = 100_000
  /// `TasksMax=`.
  public var tasksMax: ResourceAmount?

  /// Makes settings that limit nothing.
  public init() {}

  /// Whether nothing is asked for.
  public var isEmpty: Bool { self == ResourceControl() }
}

/// What a machine has, for shares of it.
public struct MachineCapacity: Sendable, Equatable {
  /// Memory in bytes.
  public var memoryBytes: UInt64
  /// How many tasks there may be.
  public var tasks: UInt64

  /// Makes a capacity.
  public init(memoryBytes: UInt64, tasks: UInt64) {
    self.memoryBytes = memoryBytes
    self.tasks = tasks
  }
}

/// Which files of the kernel's control groups hold what a unit asks for.
///
/// Source: systemd `src/core/cgroup.c`; the kernel's cgroup-v2.rst and cgroup-v1/.
public struct ControlGroupPlan: Sendable, Equatable {
  /// How a controller is used.
  public enum Hierarchy: Sendable, Equatable {
    /// Version 2: one tree for all controllers.
    case unified
    /// Version 1: a tree for each controller.
    case legacy
  }

  /// A value for a file in the unit's group.
  public struct Setting: Sendable, Equatable {
    /// The controller: `memory`, `cpu`, `pids`.
    public var controller: String
    /// The file's name.
    public var file: String
    /// What is written.
    public var value: String
    /// The directive it is for.
    public var directive: String
  }

  /// A directive that cannot be carried out on this machine.
  public struct Missing: Sendable, Equatable {
    /// The directive's name.
    public var directive: String
    /// Why, in a few words.
    public var reason: String
  }

  /// What is written, in order.
  public private(set) var settings: [Setting] = []
  /// What cannot be carried out.
  public private(set) var missing: [Missing] = []

  /// The controllers that settings are for.
  public static let controllers = ["cpu", "memory", "pids"]

  private let available: [String: Hierarchy]

  /// Decides.
  ///
  /// - Parameters:
  ///   - control: What is asked for.
  ///   - available: The controllers that can be used, and how.
  ///   - capacity: What the machine has.
  public init(_ control: ResourceControl, available: [String: Hierarchy], capacity: MachineCapacity) {
    self.available = available
    planMemory(control, capacity.memoryBytes)
    planCPU(control)
    if let tasks = control.tasksMax {
      let value = tasks.resolved(of: capacity.tasks).map { String($0) } ?? "max"
      plan("pids", "TasksMax", unified: ("pids.max", value), legacy: ("pids.max", value))
    }
  }

  private mutating func planMemory(_ control: ResourceControl, _ total: UInt64) {
    func unified(_ amount: ResourceAmount) -> String { amount.resolved(of: total).map { String($0) } ?? "max" }
    func legacy(_ amount: ResourceAmount) -> String { amount.resolved(of: total).map { String($0) } ?? "-1" }
    let only2 = "version 1 control groups have nothing like it"
    for (directive, file, amount) in [
      ("MemoryMin", "memory.min", control.memoryMin), ("MemoryLow", "memory.low", control.memoryLow),
      ("MemoryHigh", "memory.high", control.memoryHigh),
    ] {
      guard let amount else { continue }
      plan("memory", directive, unified: (file, unified(amount)), legacy: nil, otherwise: only2)
    }
    // The newer directive wins over the one it replaced.
    let limit = control.memoryMax.map { ("MemoryMax", $0) } ?? control.memoryLimit.map { ("MemoryLimit", $0) }
    if let (directive, amount) = limit {
      plan(
        "memory",
        directive,
        unified: ("memory.max", unified(amount)),
        legacy: ("memory.limit_in_bytes", legacy(amount))
      )
    }
    guard let swap = control.memorySwapMax else { return }
    // Version 1 limits memory and swap together, which is the same only beside a limit of memory.
    var both: String?
    if case (_, let amount)? = limit, let memory = amount.resolved(of: total) {
      both = swap.resolved(of: total).map { String(memory.addingReportingOverflow($0).partialValue) } ?? "-1"
    }
    plan(
      "memory",
      "MemorySwapMax",
      unified: ("memory.swap.max", unified(swap)),
      legacy: both.map { ("memory.memsw.limit_in_bytes", $0) },
      otherwise: "with version 1 control groups it needs MemoryMax= beside it"
    )
  }

  private mutating func planCPU(_ control: ResourceControl) {
    if let weight = control.cpuWeight {
      if weight == 0 {
        plan("cpu", "CPUWeight", unified: ("cpu.idle", "1"), legacy: ("cpu.idle", "1"))
      } else {
        let shares = min(max(weight * 1024 / 100, 2), 262_144)
        plan(
          "cpu",
          "CPUWeight",
          unified: ("cpu.weight", String(weight)),
          legacy: ("cpu.shares", String(shares))
        )
      }
    } else if let shares = control.cpuShares {
      let weight = min(max(shares * 100 / 1024, 1), 10_000)
      plan("cpu", "CPUShares", unified: ("cpu.weight", String(weight)), legacy: ("cpu.shares", String(shares)))
    }
    guard let perSecond = control.cpuMicrosecondsPerSecond else { return }
    // The kernel refuses a quota of less than a millisecond, and a period of more than a second.
    var period = min(max(control.cpuPeriodMicroseconds, 1_000), 1_000_000)
    if perSecond > 0, perSecond * period / 1_000_000 < 1_000 { period = min(1_000_000_000 / perSecond, 1_000_000) }
    let quota = max(perSecond * period / 1_000_000, 1_000)
    if available["cpu"] == .legacy {
      plan("cpu", "CPUQuota", unified: nil, legacy: ("cpu.cfs_period_us", String(period)))
    }
    plan("cpu", "CPUQuota", unified: ("cpu.max", "\(quota) \(period)"), legacy: ("cpu.cfs_quota_us", String(quota)))
  }

  private mutating func plan(
    _ controller: String,
    _ directive: String,
    unified: (file: String, value: String)?,
    legacy: (file: String, value: String)?,
    otherwise: String = ""
  ) {
    guard let hierarchy = available[controller] else {
      missing.append(Missing(directive: directive, reason: "this machine has no \(controller) controller to use"))
      return
    }
    guard let file = hierarchy == .unified ? unified : legacy else {
      missing.append(Missing(directive: directive, reason: otherwise))
      return
    }
    settings.append(Setting(controller: controller, file: file.file, value: file.value, directive: directive))
  }
}
