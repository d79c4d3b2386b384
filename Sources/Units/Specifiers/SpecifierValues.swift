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
  /// `%T`.
  public var temporaryDirectory: String
  /// `%V`.
  public var largeTemporaryDirectory: String
  /// `%a`, in systemd's words: ``architecture(ofMachine:)``.
  public var architecture: String
  /// `%q`; nil is `%l`.
  public var prettyHostName: String?
  /// `%o`, `%w`, `%W`, `%B`, `%M` and `%A`.
  public var operatingSystem: OperatingSystem
  /// `%Y`: where the unit's file is kept; `%y` is the file itself.
  public var fragmentDirectory: String?

  /// What os-release(5) says of a machine.
  public struct OperatingSystem: Sendable, Equatable {
    /// The file's assignments by name.
    public var fields: [String: String]

    /// Takes the assignments of the file; later ones win.
    public init(_ assignments: [EnvironmentAssignment] = []) {
      fields = Dictionary(assignments.map { ($0.name, $0.value) }) { $1 }
    }
  }

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
    configurationDirectory: String = "/etc",
    temporaryDirectory: String = "/tmp",
    largeTemporaryDirectory: String = "/var/tmp",
    architecture: String = "",
    prettyHostName: String? = nil,
    operatingSystem: OperatingSystem = OperatingSystem(),
    fragmentDirectory: String? = nil
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
    self.temporaryDirectory = temporaryDirectory
    self.largeTemporaryDirectory = largeTemporaryDirectory
    self.architecture = architecture
    self.prettyHostName = prettyHostName
    self.operatingSystem = operatingSystem
    self.fragmentDirectory = fragmentDirectory
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
    case "l": shortHostName
    case "q": prettyHostName ?? shortHostName
    case "a": architecture
    case "o", "w", "W", "B", "M", "A": systemValue(of: specifier)
    case "d": "\(runtimeDirectory)/credentials/\(unit.rawValue)"
    case "y": fragmentDirectory.map { "\($0)/\(unit.rawValue)" }
    case "Y": fragmentDirectory
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
    case "T": temporaryDirectory
    case "V": largeTemporaryDirectory
    default: nil
    }
  }

  private var shortHostName: String { String(hostName.prefix { $0 != "." }) }

  /// What the file does not say is empty.
  private func systemValue(of specifier: Character) -> String {
    let names: [Character: String] = [
      "o": "ID", "w": "VERSION_ID", "W": "VARIANT_ID", "B": "BUILD_ID", "M": "IMAGE_ID", "A": "IMAGE_VERSION",
    ]
    return names[specifier].flatMap { operatingSystem.fields[$0] } ?? ""
  }

  /// systemd's name for what uname(2) calls the machine; a name of its own for one it does not know.
  ///
  /// Source: systemd.unit(5) `ConditionArchitecture=`.
  public static func architecture(ofMachine machine: String) -> String {
    switch machine {
    case "x86_64": "x86-64"
    case "i386", "i486", "i586", "i686": "x86"
    case "aarch64": "arm64"
    case "aarch64_be": "arm64-be"
    case "ppc64le": "ppc64-le"
    case "ppcle": "ppc-le"
    case "mips64el": "mips64-le"
    case _ where machine.hasPrefix("armeb") || (machine.hasPrefix("arm") && machine.hasSuffix("b")): "arm-be"
    case _ where machine.hasPrefix("arm"): "arm"
    default: machine
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
