// SPDX-License-Identifier: Apache-2.0

/// What conditions ask of a machine.
public struct ConditionFacts: Sendable {
  /// Names, ids and the operating system.
  public var specifiers: SpecifierValues
  /// Words the kernel was started with.
  public var kernelCommandLine: [String] = []
  /// The node's own variables.
  public var environment: [String: String] = [:]
  /// Names and numbers of the groups the node is in.
  public var groups: Set<String> = []
  /// The kind of container the node is in, as systemd calls it; nil for none.
  public var container: String?
  /// The kind of virtual machine this is, as systemd calls it; nil for none.
  public var virtualMachine: String?
  /// Memory of the machine, in bytes.
  public var memory: UInt64 = 0
  /// Processors that the node may use.
  public var processors: UInt64 = 0
  /// Looks at a path.
  public var look: @Sendable (UnitCondition.Subject, _ path: String) -> Bool

  /// Makes facts.
  public init(
    specifiers: SpecifierValues,
    look: @escaping @Sendable (UnitCondition.Subject, _ path: String) -> Bool
  ) {
    self.specifiers = specifiers
    self.look = look
  }

  /// Whether a condition holds, whatever its marks.
  func holds(_ condition: UnitCondition) -> Bool {
    let argument = condition.argument
    switch condition.subject {
    case .pathExists, .pathExistsGlob, .pathIsDirectory, .pathIsSymbolicLink, .pathIsMountPoint, .pathIsReadWrite,
      .directoryNotEmpty, .fileNotEmpty, .fileIsExecutable:
      return look(condition.subject, argument)
    case .architecture: return argument == "native" || argument == specifiers.architecture
    case .virtualization: return isVirtualization(argument)
    case .host: return isHost(argument)
    case .kernelCommandLine:
      return kernelCommandLine.contains { word in
        word == argument || !argument.contains("=") && word.hasPrefix("\(argument)=")
      }
    case .kernelVersion:
      let words = VersionComparison.joined(argument.split(whereSeparator: \.isWhitespace).map(String.init))
      return words.allSatisfy { VersionComparison.holds(specifiers.kernelRelease, $0) }
    case .environment: return hasVariable(argument)
    case .user: return isUser(argument)
    case .group: return groups.contains(argument)
    case .memory: return VersionComparison.holds(memory, argument) { ResourceAmount(size: $0)?.resolved(of: memory) }
    case .processors: return VersionComparison.holds(processors, argument) { UInt64($0) }
    case .operatingSystem:
      let words = argument.split(whereSeparator: \.isWhitespace).map(String.init)
      return words.allSatisfy { isOperatingSystem($0) }
    }
  }

  private func isVirtualization(_ argument: String) -> Bool {
    switch argument {
    case "vm": virtualMachine != nil && container == nil
    case "container": container != nil
    default:
      if let wanted = BooleanValue.read(argument) {
        wanted == (virtualMachine != nil || container != nil)
      } else {
        argument == container ?? virtualMachine ?? "none"
      }
    }
  }

  private func isHost(_ argument: String) -> Bool {
    let identifier = argument.filter { $0 != "-" }.lowercased()
    if identifier.count == 32, identifier.allSatisfy(\.isHexDigit) { return identifier == specifiers.machineID }
    return NamePattern(argument.lowercased()).matches(specifiers.hostName.lowercased())
  }

  private func hasVariable(_ argument: String) -> Bool {
    guard let equals = argument.firstIndex(of: "=") else { return environment[argument] != nil }
    return environment[String(argument[..<equals])] == String(argument[argument.index(after: equals)...])
  }

  private func isUser(_ argument: String) -> Bool {
    if argument == "@system" { return UInt32(specifiers.userID).map { $0 < 1000 } ?? false }
    return argument == specifiers.userID || argument == specifiers.userName
  }

  private func isOperatingSystem(_ text: String) -> Bool {
    guard let comparison = VersionComparison.split(text) else { return false }
    let value = specifiers.operatingSystem.fields[comparison.field] ?? ""
    switch comparison.sign {
    case "=": return value == comparison.value
    case "!=": return value != comparison.value
    default: return VersionComparison.holds(value, comparison.sign + comparison.value)
    }
  }
}
