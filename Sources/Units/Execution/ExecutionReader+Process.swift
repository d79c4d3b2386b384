// SPDX-License-Identifier: Apache-2.0

/// Variables, identity, and what the kernel knows of one process.
extension ExecutionReader {
  // MARK: Environment

  mutating func readEnvironment(_ option: UnitOption) -> Bool {
    switch option.name {
    case "Environment": readAssignments(option)
    case "EnvironmentFile":
      let path = expanded(option.value)
      if path.isEmpty {
        settings.environmentFiles = []
      } else if let file = optionalPath(path) {
        settings.environmentFiles.append(file)
      } else {
        refuse(option, "an absolute path")
      }
    case "PassEnvironment":
      for name in list(option, \.passedVariables) {
        if EnvironmentAssignment.isName(name) {
          settings.passedVariables.append(name)
        } else {
          ignore(option, "names of variables, and \"\(name)\" is none")
        }
      }
    case "UnsetEnvironment":
      for word in list(option, \.unsetVariables) {
        if EnvironmentAssignment.isName(word) || EnvironmentAssignment(word) != nil {
          settings.unsetVariables.append(word)
        } else {
          ignore(option, "names of variables or assignments, and \"\(word)\" is neither")
        }
      }
    case "ExecSearchPath":
      guard !option.value.isEmpty else {
        settings.searchPath = []
        return true
      }
      for path in expanded(option.value).split(separator: ":").map(String.init) {
        if path.hasPrefix("/") {
          settings.searchPath.append(path)
        } else {
          ignore(option, "absolute paths separated by colons, and \"\(path)\" is none")
        }
      }
    default: return false
    }
    return true
  }

  private mutating func readAssignments(_ option: UnitOption) {
    for word in list(option, \.environment) {
      if let assignment = EnvironmentAssignment(word) {
        settings.environment.append(assignment)
      } else {
        ignore(option, "NAME=VALUE, and \"\(word)\" is not; quote an assignment that has blanks: \"NAME=a b\"")
      }
    }
  }

  private func optionalPath(_ text: String) -> ExecutionSettings.OptionalPath? {
    let isOptional = text.hasPrefix("-")
    let path = isOptional ? String(text.dropFirst()) : text
    return path.hasPrefix("/") ? ExecutionSettings.OptionalPath(path: path, isOptional: isOptional) : nil
  }

  // MARK: Who and where

  mutating func readIdentity(_ option: UnitOption) -> Bool {
    switch option.name {
    case "User": settings.user = account(option)
    case "Group": settings.group = account(option)
    case "SupplementaryGroups":
      for name in list(option, \.supplementaryGroups) {
        if Self.isAccountName(name) {
          settings.supplementaryGroups.append(name)
        } else {
          refuse(option, "names or numbers of groups, and \"\(name)\" is none")
        }
      }
    case "WorkingDirectory":
      let path = expanded(option.value)
      let isOptional = path.hasPrefix("-")
      if path.isEmpty {
        settings.workingDirectory = nil
      } else if path == "~" || path == "-~" {
        settings.workingDirectory = ExecutionSettings.OptionalPath(path: "~", isOptional: isOptional)
      } else if let directory = optionalPath(path) {
        settings.workingDirectory = directory
      } else {
        refuse(option, "an absolute path or ~")
      }
    case "UMask":
      if option.value.isEmpty {
        settings.umask = ExecutionSettings().umask
      } else if let mask = Self.mode(option.value), mask <= 0o777 {
        settings.umask = mask
      } else {
        ignore(option, "an octal number up to 777")
      }
    default: return false
    }
    return true
  }

  private mutating func account(_ option: UnitOption) -> String? {
    let name = expanded(option.value)
    guard !name.isEmpty, !Self.isAccountName(name) else { return name.isEmpty ? nil : name }
    refuse(option, "a name or a number")
    return nil
  }

  /// What systemd allows in its relaxed mode: no blanks, colons and slashes, no dash first.
  private static func isAccountName(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix("-") && text != "." && text != ".."
      && text.unicodeScalars.allSatisfy { $0.value > 32 && $0.value != 127 && $0 != ":" && $0 != "/" }
  }

  // MARK: The process

  mutating func readProcess(_ option: UnitOption) -> Bool {
    if option.name.hasPrefix("Limit"), let resource = ProcessLimit.Resource(rawValue: String(option.name.dropFirst(5)))
    {
      readLimit(option, resource)
      return true
    }
    switch option.name {
    case "Nice": number(option, \.nice, -20...19)
    case "OOMScoreAdjust": number(option, \.oomScoreAdjustment, -1000...1000)
    case "IgnoreSIGPIPE": boolean(option, \.ignoresSigpipe)
    case "CPUSchedulingPolicy":
      let policy = ExecutionSettings.SchedulingPolicy(name: option.value)
      if policy == nil, !option.value.isEmpty { ignore(option, "other, batch, idle, fifo or rr") }
      settings.schedulingPolicy = policy ?? settings.schedulingPolicy
    case "CPUSchedulingPriority": number(option, \.schedulingPriority, 1...99)
    case "CPUAffinity": readProcessors(option)
    case "IOSchedulingClass":
      let names = ["none", "realtime", "best-effort", "idle"]
      if option.value.isEmpty {
        settings.ioClass = nil
      } else if let number = names.firstIndex(of: option.value) ?? Int(option.value), names.indices.contains(number) {
        // The kernel takes no priority with "none", which is best effort in the end.
        settings.ioClass = Int32(number == 0 ? 2 : number)
      } else {
        ignore(option, "realtime, best-effort or idle")
      }
    case "IOSchedulingPriority": number(option, \.ioPriority, 0...7)
    default: return false
    }
    return true
  }

  private mutating func readLimit(_ option: UnitOption, _ resource: ProcessLimit.Resource) {
    if option.value.isEmpty {
      settings.limits.removeAll { $0.resource == resource }
    } else if let limit = ProcessLimit(resource, option.value) {
      settings.limits.removeAll { $0.resource == resource }
      settings.limits.append(limit)
    } else {
      ignore(option, resource.expected)
    }
  }

  private mutating func readProcessors(_ option: UnitOption) {
    guard !option.value.isEmpty else {
      settings.processors = []
      return
    }
    var numbers = Set(settings.processors)
    for word in option.value.split(whereSeparator: { $0.isWhitespace || $0 == "," }) {
      let ends = word.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil,
        0 <= first, first <= last, last < 1024
      else {
        ignore(option, "numbers of processors and ranges of them, and \"\(word)\" is neither")
        return
      }
      numbers.formUnion(first...last)
    }
    settings.processors = numbers.sorted()
  }
}
