// SPDX-License-Identifier: Apache-2.0
import CloudConfig

// Files, the firmware's entries, and the kernel's command line.
extension DatasourceSearch {
  private static let limit = FoundUserData.userDataLimitBytes

  func file(_ path: String) async throws -> DatasourceReading {
    // Standard input is nobody's tree.
    let place = path == "-" ? MachineFiles() : files
    guard let bytes = try await place.read(path, limitBytes: Self.limit) else {
      return .absent("there is no such file")
    }
    let userData = UserData(name: path == "-" ? "<stdin>" : path, bytes: bytes)
    return .found(FoundUserData(source: .file(path), userData: userData))
  }

  func usualFiles() async throws -> DatasourceReading {
    for path in UserData.usualPlaces {
      guard let bytes = try await files.read(path, limitBytes: Self.limit) else { continue }
      return .found(FoundUserData(source: .usualFiles, userData: UserData(name: path, bytes: bytes)))
    }
    return .absent("none of \(UserData.usualPlaces.joined(separator: ", ")) is there")
  }

  // MARK: fw_cfg

  /// The entries that are looked for; those of Ignition may hold its JSON, which is for another program.
  private static let entries: [(name: String, isOurs: Bool)] = [
    ("opt/coracle/user-data", true), ("opt/com.coreos/config", false), ("opt/org.flatcar-linux/config", false),
  ]

  func firmwareConfiguration() async throws -> DatasourceReading {
    let folder = "/sys/firmware/qemu_fw_cfg/by_name"
    guard files.contains(folder) else { return .absent("there is no \(folder) (is the module qemu_fw_cfg loaded?)") }
    for entry in Self.entries {
      let path = "\(folder)/\(entry.name)/raw"
      guard let bytes = try await files.read(path, limitBytes: Self.limit), !bytes.isEmpty else { continue }
      let first = bytes.first { $0 > 0x20 }
      guard entry.isOurs || first != UInt8(ascii: "{") else { continue }
      let userData = UserData(name: "fw_cfg:\(entry.name)", bytes: bytes)
      return .found(FoundUserData(source: .firmwareConfiguration, userData: userData))
    }
    return .absent("there is no entry \(Self.entries[0].name)")
  }

  // MARK: URLs that the machine was started with

  /// The structure of type 11, "OEM Strings".
  func smbios() async throws -> DatasourceReading {
    let folder = "/sys/firmware/dmi/entries"
    for name in await files.names(in: folder) where name.hasPrefix("11-") {
      let path = "\(folder)/\(name)/raw"
      guard let bytes = try await files.read(path, limitBytes: FoundUserData.metadataLimitBytes) else { continue }
      guard let url = SMBIOSStrings(structure: bytes).value(of: "coracle.user-data-url") else { continue }
      return try await document(url, of: .smbios)
    }
    return .absent("there is no OEM string coracle.user-data-url=URL")
  }

  func kernelCommandLine() async throws -> DatasourceReading {
    guard let url = KernelCommandLine(await files.line("/proc/cmdline") ?? "").cloudConfigURL else {
      return .absent("there is no cloud-config-url=URL on the kernel's command line")
    }
    return try await document(url, of: .kernelCommandLine)
  }

  func document(_ url: String, of source: Datasource) async throws -> DatasourceReading {
    guard Datasource.isWebAddress(url) else { return .broken("\(url) does not begin with http:// or https://") }
    guard let bytes = try await documents.get(url, limitBytes: Self.limit) else {
      return .absent("\(url) has nothing (4xx)")
    }
    return .found(FoundUserData(source: source, userData: UserData(name: url, bytes: bytes)))
  }
}
