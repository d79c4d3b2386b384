// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// What specifiers say about this machine, and where its units' directories are.
///
/// A node of root has the system manager's places, one of another user the user manager's.
///
/// - Parameters:
///   - configuration: Names the machine, and a root for directories in tests.
///   - environment: The node's own variables.
///   - fragmentDirectory: Where the files of units are.
/// - Returns: The values, without those of a single unit.
func machineSpecifiers(
  _ configuration: UnitSupervisionConfiguration,
  environment: [String: String],
  fragmentDirectory: String
) -> SpecifierValues {
  var names = utsname()
  uname(&names)
  func text<Bytes>(_ bytes: Bytes) -> String {
    withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
  let account = UserAccounts.known(String(getuid()))
  let machineInfo = assignments("/etc/machine-info")
  let temporary = ["TMPDIR", "TEMP", "TMP"].compactMap { environment[$0] }.first { $0.hasPrefix("/") }
  var values = SpecifierValues(
    machineID: configuration.machineID,
    bootID: (readSmallFile("/proc/sys/kernel/random/boot_id") ?? "").filter { $0.isHexDigit },
    hostName: text(names.nodename),
    kernelRelease: text(names.release),
    userName: account?.name ?? String(getuid()),
    userID: String(getuid()),
    groupName: UserAccounts.groupName(getgid()) ?? String(getgid()),
    groupID: String(getgid()),
    homeDirectory: account?.home ?? "/root",
    shell: account?.shell ?? "/bin/sh",
    temporaryDirectory: temporary ?? "/tmp",
    largeTemporaryDirectory: temporary ?? "/var/tmp",
    architecture: SpecifierValues.architecture(ofMachine: text(names.machine)),
    prettyHostName: machineInfo.last { $0.name == "PRETTY_HOSTNAME" }?.value,
    operatingSystem: SpecifierValues.OperatingSystem(osRelease()),
    fragmentDirectory: fragmentDirectory
  )
  if getuid() != 0 {
    let home = account?.home ?? "/"
    let settings = environment["XDG_CONFIG_HOME"] ?? "\(home)/.config"
    values.runtimeDirectory = environment["XDG_RUNTIME_DIR"] ?? "/run/user/\(getuid())"
    values.stateDirectory = settings
    values.cacheDirectory = environment["XDG_CACHE_HOME"] ?? "\(home)/.cache"
    values.logsDirectory = "\(settings)/log"
    values.configurationDirectory = settings
  }
  let root = configuration.directoryRoot
  for path in [
    \SpecifierValues.runtimeDirectory, \.stateDirectory, \.cacheDirectory, \.logsDirectory, \.configurationDirectory,
  ] { values[keyPath: path] = root + values[keyPath: path] }
  return values
}

private func osRelease() -> [EnvironmentAssignment] {
  let own = assignments("/etc/os-release")
  return own.isEmpty ? assignments("/usr/lib/os-release") : own
}

private func assignments(_ path: String) -> [EnvironmentAssignment] {
  readSmallFile(path).map(EnvironmentFileText.parse) ?? []
}

/// Reads the drop-ins of units from this machine's directories.
struct DropInDirectories {
  /// The longest drop-in, in bytes.
  static let fileLimitBytes = 256 << 10

  /// Directories that have `NAME.d` directories in them, the first wins.
  let directories: [String]
  /// Drop-ins from elsewhere, which win over those.
  let others: [DropIn]

  /// Every drop-in that a unit may have.
  func dropIns(for unit: UnitName) -> [DropIn] {
    let names = DropIn.directories(of: unit)
    return others.filter { names.contains($0.directory) }
      + directories.flatMap { root in names.flatMap { read("\(root)/\($0)", directory: $0) } }
  }

  private func read(_ path: String, directory: String) -> [DropIn] {
    directoryEntries(path).sorted().compactMap { name in
      guard name.hasSuffix(".conf"), let bytes = readFile("\(path)/\(name)", limitBytes: Self.fileLimitBytes) else {
        return nil
      }
      return DropIn(directory: directory, name: name, text: String(decoding: bytes, as: UTF8.self))
    }
  }
}
