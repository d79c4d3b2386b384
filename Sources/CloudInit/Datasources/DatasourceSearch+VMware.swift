// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Units

// What VMware's hypervisor tells its guest (`guestinfo.…`).
extension DatasourceSearch {
  /// Interfaces that are asked for their role.
  private static let interfacesLimit = 10
  private static let addressesLimit = 4

  /// Source: coreos-cloudinit `datasource/vmware`; cloud-init's DataSourceVMware for `guestinfo.userdata`.
  func vmware() async throws -> DatasourceReading {
    guard let ask = await guestinfoProgram() else {
      return .absent("neither vmtoolsd nor vmware-rpctool is there, or the hypervisor is not VMware's")
    }
    let metadata = try await guestinfoMetadata(ask)
    for key in ["coreos.config.data", "userdata"] {
      guard let text = await ask(key) else { continue }
      let bytes = try Self.decoded(text, encoding: await ask("\(key).encoding"), key: key)
      return found(UserData(name: "guestinfo.\(key)", bytes: bytes), metadata)
    }
    if let url = await ask("coreos.config.url").map({ String(decoding: $0, as: UTF8.self) }) {
      guard Datasource.isWebAddress(url) else { return .broken("guestinfo.coreos.config.url is \"\(url)\"") }
      guard let bytes = try await documents.get(url, limitBytes: FoundUserData.userDataLimitBytes) else {
        return .absent("\(url) has nothing (4xx)")
      }
      return found(UserData(name: url, bytes: bytes), metadata)
    }
    guard metadata != MachineMetadata() else { return .absent("guestinfo says nothing about user-data") }
    return found(nil, metadata)
  }

  private func found(_ userData: UserData?, _ metadata: MachineMetadata) -> DatasourceReading {
    .found(FoundUserData(source: .vmware, userData: userData, metadata: metadata))
  }

  // MARK: Asking

  private typealias Guestinfo = @Sendable (_ key: String) async -> [UInt8]?

  /// The way to ask; nil when no program answers here.
  ///
  /// A key that is not set ends both programs with 1, so the version is asked first.
  private func guestinfoProgram() async -> Guestinfo? {
    let programs = programs
    @Sendable func trimmed(_ bytes: [UInt8]?) -> [UInt8]? {
      bytes.flatMap { bytes in
        let text = String(decoding: bytes, as: UTF8.self).trimmingBlanksAndNewlines()
        return text.isEmpty ? nil : Array(text.utf8)
      }
    }
    if await programs(["vmtoolsd", "--version"]) != nil {
      return { trimmed(await programs(["vmtoolsd", "--cmd", "info-get guestinfo.\($0)"])) }
    }
    guard await programs(["vmware-rpctool", "machine.id.get"]) != nil else { return nil }
    return { trimmed(await programs(["vmware-rpctool", "info-get guestinfo.\($0)"])) }
  }

  private static func decoded(_ text: [UInt8], encoding: [UInt8]?, key: String) throws -> [UInt8] {
    let encoding = encoding.map { String(decoding: $0, as: UTF8.self) } ?? ""
    switch encoding {
    case "": return text
    // Packed user-data is unpacked by whoever reads it.
    case "base64", "b64", "gzip+base64", "gz+base64", "gzip+b64", "gz+b64":
      guard let bytes = Base64.decode(text) else {
        throw CloudInitError(.userData, "guestinfo.\(key) is not base64, though guestinfo.\(key).encoding says so")
      }
      return bytes
    default:
      throw CloudInitError(.userData, "guestinfo.\(key).encoding is \"\(encoding)\"; base64 and gz+base64 are known")
    }
  }

  // MARK: Metadata

  private func guestinfoMetadata(_ ask: Guestinfo) async throws -> MachineMetadata {
    var metadata = MachineMetadata(
      hostname: await ask("hostname").map { String(decoding: $0, as: UTF8.self) },
      keys: []
    )
    if let text = await ask("metadata") {
      let bytes = try Self.decoded(text, encoding: await ask("metadata.encoding"), key: "metadata")
      let other = try Self.checked("guestinfo.metadata") { try MachineMetadata.noCloud(bytes, seed: nil) }
      metadata.hostname = metadata.hostname ?? other.hostname
      metadata.sshAuthorizedKeys += other.sshAuthorizedKeys
    }
    metadata.addresses = await guestinfoAddresses(ask)
    return metadata
  }

  /// The addresses of the interfaces whose role is `public` or `private`.
  private func guestinfoAddresses(_ ask: Guestinfo) async -> AddressTokens {
    var addresses = AddressTokens()
    for number in 0..<Self.interfacesLimit {
      guard let role = await ask("interface.\(number).role").map({ String(decoding: $0, as: UTF8.self) }) else { break }
      var texts: [String] = []
      for place in 0..<Self.addressesLimit {
        guard let text = await ask("interface.\(number).ip.\(place).address") else { break }
        texts.append(String(decoding: text, as: UTF8.self))
      }
      let sorted = AddressTokens(sorting: texts)
      switch role {
      case "public":
        addresses.publicIPv4 = addresses.publicIPv4 ?? sorted.publicIPv4 ?? sorted.privateIPv4
        addresses.publicIPv6 = addresses.publicIPv6 ?? sorted.publicIPv6 ?? sorted.privateIPv6
      case "private":
        addresses.privateIPv4 = addresses.privateIPv4 ?? sorted.privateIPv4 ?? sorted.publicIPv4
        addresses.privateIPv6 = addresses.privateIPv6 ?? sorted.privateIPv6 ?? sorted.publicIPv6
      default: continue
      }
    }
    return addresses
  }
}
