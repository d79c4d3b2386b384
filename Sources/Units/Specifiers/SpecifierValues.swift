// SPDX-License-Identifier: Apache-2.0

/// What systemd's specifiers stand for on one machine; those of the unit's name come with the ``UnitName``.
///
/// Source: systemd.unit(5), "Specifiers".
public struct SpecifierValues: Sendable, Equatable {
  /// `%m`: 32 hex digits.
  public var machineID: String
  /// `%b`: 32 hex digits.
  public var bootID: String
  /// `%H`; `%l` is what stands before its first dot.
  public var hostName: String
  /// `%v`.
  public var kernelRelease: String
  /// `%u`.
  public var userName: String
  /// `%U`.
  public var userID: String
  /// `%g`.
  public var groupName: String
  /// `%G`.
  public var groupID: String
  /// `%h`.
  public var homeDirectory: String
  /// `%s`.
  public var shell: String
  /// `%t`.
  public var runtimeDirectory: String
  /// `%S`.
  public var stateDirectory: String
  /// `%C`.
  public var cacheDirectory: String
  /// `%L`.
  public var logsDirectory: String
  /// `%E`.
  public var configurationDirectory: String

  /// Makes values; those left out are the system manager's.
  public init(
    machineID: String,
    bootID: String,
    hostName: String,
    kernelRelease: String,
    userName: String = "root",
    userID: String = "0",
    groupName: String = "root",
    groupID: String = "0",
    homeDirectory: String = "/root",
    shell: String = "/bin/sh",
    runtimeDirectory: String = "/run",
    stateDirectory: String = "/var/lib",
    cacheDirectory: String = "/var/cache",
    logsDirectory: String = "/var/log",
    configurationDirectory: String = "/etc"
  ) {
    self.machineID = machineID
    self.bootID = bootID
    self.hostName = hostName
    self.kernelRelease = kernelRelease
    self.userName = userName
    self.userID = userID
    self.groupName = groupName
    self.groupID = groupID
    self.homeDirectory = homeDirectory
    self.shell = shell
    self.runtimeDirectory = runtimeDirectory
    self.stateDirectory = stateDirectory
    self.cacheDirectory = cacheDirectory
    self.logsDirectory = logsDirectory
    self.configurationDirectory = configurationDirectory
  }

  /// Replaces every specifier systemd knows; `%%` becomes `%`, an unknown one stays as it is written.
  public func expand(_ text: String, for unit: UnitName) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    var result = ""
    var isSpecifier = false
    for character in text {
      if isSpecifier {
        result += value(of: character, for: unit) ?? "%\(character)"
        isSpecifier = false
      } else if character == "%" {
        isSpecifier = true
      } else {
        result.append(character)
      }
    }
    return isSpecifier ? result + "%" : result
  }

  private func value(of specifier: Character, for unit: UnitName) -> String? {
    switch specifier {
    case "%": "%"
    case "n", "N", "p", "P", "i", "I", "j", "J", "f": Self.nameValue(of: specifier, unit)
    case "m": machineID
    case "b": bootID
    case "H": hostName
    case "l": String(hostName.prefix { $0 != "." })
    case "v": kernelRelease
    case "u": userName
    case "U": userID
    case "g": groupName
    case "G": groupID
    case "h": homeDirectory
    case "s": shell
    case "t": runtimeDirectory
    case "S": stateDirectory
    case "C": cacheDirectory
    case "L": logsDirectory
    case "E": configurationDirectory
    case "T": "/tmp"
    case "V": "/var/tmp"
    default: nil
    }
  }

  private static func nameValue(of specifier: Character, _ unit: UnitName) -> String? {
    switch specifier {
    case "n": unit.rawValue
    case "N": unit.nameWithoutSuffix
    case "p": unit.prefix
    case "P": UnitNameEscaping.unescaped(unit.prefix)
    case "i": unit.instance ?? ""
    case "I": UnitNameEscaping.unescaped(unit.instance ?? "")
    case "j": lastComponent(of: unit.prefix)
    case "J": UnitNameEscaping.unescaped(lastComponent(of: unit.prefix))
    case "f": "/" + UnitNameEscaping.unescaped(unit.instance ?? unit.prefix)
    default: nil
    }
  }

  private static func lastComponent(of prefix: String) -> String {
    prefix.split(separator: "-", omittingEmptySubsequences: false).last.map(String.init) ?? prefix
  }
}
