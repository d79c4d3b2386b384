// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct ControlGroupPlanTests {
  private let capacity = MachineCapacity(memoryBytes: 1 << 30, tasks: 1000)

  private func control(_ text: String) throws -> ResourceControl {
    let reading = ServiceReading(
      try UnitFile(parsing: "[Service]\nExecStart=/bin/true\n\(text)"),
      name: try UnitName("a.service")
    )
    #expect(reading.findings.isEmpty, "\(reading.findings)")
    return reading.definition.execution.resources
  }

  private func plan(_ text: String, _ hierarchy: ControlGroupPlan.Hierarchy) throws -> ControlGroupPlan {
    ControlGroupPlan(
      try control(text),
      available: ["cpu": hierarchy, "memory": hierarchy, "pids": hierarchy],
      capacity: capacity
    )
  }

  private func lines(_ plan: ControlGroupPlan) -> [String] {
    plan.settings.map { "\($0.file)=\($0.value)" }
  }

  @Test(arguments: [
    ("MemoryMax=512M", ["memory.max=536870912"], ["memory.limit_in_bytes=536870912"]),
    ("MemoryMax=25%", ["memory.max=268435456"], ["memory.limit_in_bytes=268435456"]),
    ("MemoryMax=infinity", ["memory.max=max"], ["memory.limit_in_bytes=-1"]),
    ("MemoryLimit=1K", ["memory.max=1024"], ["memory.limit_in_bytes=1024"]),
    ("MemoryLimit=1K\nMemoryMax=2K", ["memory.max=2048"], ["memory.limit_in_bytes=2048"]),
    (
      "MemoryMax=1M\nMemorySwapMax=1M", ["memory.max=1048576", "memory.swap.max=1048576"],
      ["memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=2097152"]
    ),
    ("CPUQuota=20%", ["cpu.max=20000 100000"], ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=20000"]),
    ("CPUQuota=150%", ["cpu.max=150000 100000"], ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=150000"]),
    (
      "CPUQuota=50%\nCPUQuotaPeriodSec=10ms", ["cpu.max=5000 10000"],
      ["cpu.cfs_period_us=10000", "cpu.cfs_quota_us=5000"]
    ),
    ("CPUQuota=0.5%", ["cpu.max=1000 200000"], ["cpu.cfs_period_us=200000", "cpu.cfs_quota_us=1000"]),
    ("CPUWeight=200", ["cpu.weight=200"], ["cpu.shares=2048"]),
    ("CPUWeight=idle", ["cpu.idle=1"], ["cpu.idle=1"]),
    ("CPUShares=512", ["cpu.weight=50"], ["cpu.shares=512"]),
    ("CPUShares=512\nCPUWeight=100", ["cpu.weight=100"], ["cpu.shares=1024"]),
    ("TasksMax=50", ["pids.max=50"], ["pids.max=50"]),
    ("TasksMax=10%", ["pids.max=100"], ["pids.max=100"]),
    ("TasksMax=infinity", ["pids.max=max"], ["pids.max=max"]),
    ("MemoryMax=1M\nMemoryMax=", [], []),
  ])
  func `each directive has its file in both versions`(text: String, unified: [String], legacy: [String]) throws {
    #expect(lines(try plan(text, .unified)) == unified)
    #expect(lines(try plan(text, .legacy)) == legacy)
    #expect(try plan(text, .unified).missing.isEmpty)
    #expect(try plan(text, .legacy).missing.isEmpty)
  }

  @Test func `what a version has not is named`() throws {
    let plan = try plan("MemoryHigh=1M\nMemoryLow=1M\nMemorySwapMax=1M\nTasksMax=5", .legacy)
    #expect(plan.missing.map(\.directive) == ["MemoryLow", "MemoryHigh", "MemorySwapMax"])
    #expect(lines(plan) == ["pids.max=5"])
    #expect(
      lines(try self.plan("MemoryHigh=1M\nMemoryMin=1K", .unified)) == [
        "memory.min=1024", "memory.high=1048576",
      ]
    )
  }

  @Test func `a machine without controllers has every directive named once`() throws {
    let control = try control("MemoryMax=1M\nCPUQuota=10%\nTasksMax=5")
    let plan = ControlGroupPlan(control, available: ["memory": .legacy], capacity: capacity)
    #expect(plan.missing.map(\.directive) == ["CPUQuota", "TasksMax"])
    #expect(plan.missing.first?.reason == "this machine has no cpu controller to use")
    #expect(plan.settings.map(\.directive) == ["MemoryMax"])
  }

  @Test(arguments: [
    ("0", UInt64(0)), ("17", 17), ("17B", 17), ("4K", 4096), ("1.5K", 1536), ("2 M", 2 << 20), ("3G", 3 << 30),
    ("1T", 1 << 40),
  ])
  func `sizes count by 1024`(text: String, bytes: UInt64) {
    #expect(ResourceAmount(size: text) == .amount(bytes))
  }

  @Test func `shares and what is none`() {
    #expect(ResourceAmount(size: "12.5%") == .share(hundredthsOfPercent: 1250))
    #expect(ResourceAmount(count: "15%") == .share(hundredthsOfPercent: 1500))
    #expect(ResourceAmount(size: "infinity") == .infinity)
    for text in ["", "M", "-1", "1.", ".5M", "1KK", "101%", "1x", "99999999999999999999E"] {
      #expect(ResourceAmount(size: text) == nil, "\(text)")
    }
    #expect(ResourceAmount(count: "4K") == nil)
  }
}
