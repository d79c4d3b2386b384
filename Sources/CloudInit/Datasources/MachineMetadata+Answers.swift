// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import EtcdWire

// How the answers of datasources become metadata. All of it comes from outside: what makes no sense is left out.
extension MachineMetadata {
  /// Makes metadata of what a datasource said.
  ///
  /// - Parameters:
  ///   - hostname: As it came; kept up to the first blank, and only if it can be a host's name.
  ///   - keys: Texts with a key on each line.
  ///   - addresses: As they came; the first one of each kind counts.
  init(hostname: String?, keys: [String], addresses: AddressTokens = AddressTokens()) {
    self.init(
      hostname: hostname.flatMap(Self.hostname),
      sshAuthorizedKeys: Self.keys(in: keys),
      addresses: addresses
    )
  }

  /// The name up to the first blank; nil when it cannot be a host's name.
  private static func hostname(_ text: String) -> String? {
    let name = text.trimmingBlanksAndNewlines().prefix { !$0.isWhitespace }
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    return !name.isEmpty && name.utf8.count <= 253 && isPlain && !name.hasPrefix("-") && !name.hasPrefix(".")
      ? String(name) : nil
  }

  /// The keys in some texts, each once.
  private static func keys(in texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.flatMap { $0.split(whereSeparator: \.isNewline) }
      .map { $0.trimmingBlanksAndNewlines() }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") && seen.insert($0).inserted }
  }

  // MARK: OpenStack

  /// Reads `meta_data.json` and, where there is one, `network_data.json`.
  ///
  /// - Throws: `JSONError` when the first is no JSON.
  static func openStack(_ metadata: [UInt8], network: [UInt8]?, interfaces: [UInt8]? = nil) throws -> MachineMetadata {
    let json = try JSONValue.parse(metadata)
    let networks = network.flatMap { try? JSONValue.parse($0) }?["networks"]?.array ?? []
    var addresses = networks.compactMap { $0["ip_address"]?.string }
    if addresses.isEmpty, let interfaces { addresses = Self.addresses(inInterfaces: interfaces) }
    return MachineMetadata(
      hostname: json["hostname"]?.string ?? json["name"]?.string,
      keys: (json["public_keys"]?.object ?? []).compactMap(\.value.string),
      addresses: AddressTokens(sorting: addresses)
    )
  }

  /// Where `meta_data.json` says that the interfaces are described, below `openstack/`.
  static func interfacesPath(inOpenStack metadata: [UInt8]) -> String? {
    let path = (try? JSONValue.parse(metadata))?["network_config"]?["content_path"]?.string
    return path.flatMap { path in path.split(separator: "/").contains("..") ? nil : path }
  }

  /// The lines `address …` of Debian's `interfaces`.
  private static func addresses(inInterfaces bytes: [UInt8]) -> [String] {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      return words.count == 2 && words[0] == "address" ? String(words[1]) : nil
    }
  }

  // MARK: DigitalOcean

  /// Reads `v1.json`.
  ///
  /// - Throws: `JSONError`.
  static func digitalOcean(_ bytes: [UInt8]) throws -> MachineMetadata {
    let json = try JSONValue.parse(bytes)
    func address(_ network: String, _ family: String) -> String? {
      let first = json["interfaces"]?[network]?.array?.first
      return first?[family]?["ip_address"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    return MachineMetadata(
      hostname: json["hostname"]?.string,
      keys: json["public_keys"]?.strings ?? [],
      addresses: AddressTokens(
        publicIPv4: address("public", "ipv4"),
        privateIPv4: address("private", "ipv4"),
        publicIPv6: address("public", "ipv6"),
        privateIPv6: address("private", "ipv6")
      )
    )
  }

  // MARK: NoCloud

  /// Reads `meta-data`, with what the words `ds=nocloud…` say above it.
  ///
  /// - Throws: `MetadataDocument.Failure`.
  static func noCloud(_ bytes: [UInt8], seed: NoCloudSeed?) throws -> MachineMetadata {
    let document = try MetadataDocument(parsing: bytes)
    return MachineMetadata(
      hostname: seed?.hostname ?? document.text(of: "local-hostname") ?? document.text(of: "hostname"),
      keys: document.texts(of: "public-keys") + document.texts(of: "public_keys")
    )
  }

  // MARK: Google Compute Engine

  /// The keys in lines `user:key`; those of `gcloud` that expire are left out, since nobody would take them away again.
  static func keys(inGoogleLines text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      guard let colon = line.firstIndex(of: ":"), !line.contains(" google-ssh ") else { return nil }
      return String(line[line.index(after: colon)...])
    }
  }
}

extension AddressTokens {
  /// The first address of each kind; a text that is none is left out, and so is what stands behind a slash.
  init(sorting texts: [String]) {
    self.init()
    for text in texts {
      let address = text.trimmingBlanksAndNewlines().prefix { $0 != "/" }.lowercased()
      guard let isIPv6 = Self.isIPv6(address), !address.hasPrefix("fe80:") else { continue }
      switch (isIPv6, Self.isPrivate(address)) {
      case (false, true): privateIPv4 = privateIPv4 ?? address
      case (false, false): publicIPv4 = publicIPv4 ?? address
      case (true, true): privateIPv6 = privateIPv6 ?? address
      case (true, false): publicIPv6 = publicIPv6 ?? address
      }
    }
  }
}
