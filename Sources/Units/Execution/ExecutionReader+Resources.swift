// SPDX-License-Identifier: Apache-2.0

/// What all processes of the unit may use together.
extension ExecutionReader {
  mutating func readResources(_ option: UnitOption) -> Bool {
    switch option.name {
    case "MemoryMin": memory(option, \.memoryMin)
    case "MemoryLow": memory(option, \.memoryLow)
    case "MemoryHigh": memory(option, \.memoryHigh, isPositive: true)
    case "MemoryMax": memory(option, \.memoryMax, isPositive: true)
    case "MemoryLimit": memory(option, \.memoryLimit, isPositive: true)
    case "MemorySwapMax": memory(option, \.memorySwapMax)
    case "CPUWeight":
      if option.value == "idle" {
        settings.resources.cpuWeight = 0
      } else {
        number(option, \.resources.cpuWeight, 1...10_000)
      }
    case "CPUShares": number(option, \.resources.cpuShares, 2...262_144)
    case "CPUQuota":
      if option.value.isEmpty {
        settings.resources.cpuMicrosecondsPerSecond = nil
      } else if let share = ResourceAmount.percentage(option.value), (1...100_000_000).contains(share) {
        settings.resources.cpuMicrosecondsPerSecond = share * 100
      } else {
        ignore(option, "a percentage of one processor, such as 150%")
      }
    case "CPUQuotaPeriodSec":
      if let duration = TimeSpan(option.value)?.duration, duration > .zero {
        let parts = duration.components
        settings.resources.cpuPeriodMicroseconds =
          UInt64(clamping: parts.seconds) * 1_000_000 + UInt64(clamping: parts.attoseconds / 1_000_000_000_000)
      } else if option.value.isEmpty {
        settings.resources.cpuPeriodMicroseconds = ResourceControl().cpuPeriodMicroseconds
      } else {
        ignore(option, "a time span from 1ms to 1s")
      }
    case "TasksMax":
      let tasks = ResourceAmount(count: option.value)
      if option.value.isEmpty {
        settings.resources.tasksMax = nil
      } else if let tasks, tasks != .amount(0) {
        settings.resources.tasksMax = tasks
      } else {
        ignore(option, "a number, a percentage or infinity")
      }
    default: return false
    }
    return true
  }

  private mutating func memory(
    _ option: UnitOption,
    _ path: WritableKeyPath<ResourceControl, ResourceAmount?>,
    isPositive: Bool = false
  ) {
    let amount = ResourceAmount(size: option.value)
    if option.value.isEmpty {
      settings.resources[keyPath: path] = nil
    } else if let amount, !isPositive || (amount != .amount(0) && amount != .share(hundredthsOfPercent: 0)) {
      settings.resources[keyPath: path] = amount
    } else {
      ignore(option, "a size such as 512M, a percentage or infinity")
    }
  }
}
