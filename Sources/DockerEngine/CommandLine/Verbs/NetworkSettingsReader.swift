// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What `network create` and `network connect` ask for, as the Engine API wants it.
enum NetworkSettingsReader {
  /// The body of a `network create` but for the name.
  static func settings(_ words: VerbWords) throws(DockerCommandLineError) -> JSONObject {
    var settings = JSONObject([("Driver", .string(words.filledText("driver") ?? "bridge"))])
    if let scope = words.filledText("scope") { settings["Scope"] = .string(scope) }
    if words.last("ipv4") != nil { settings["EnableIPv4"] = .bool(try words.isOn("ipv4")) }
    if words.last("ipv6") != nil { settings["EnableIPv6"] = .bool(try words.isOn("ipv6")) }
    for (flag, member) in [
      ("internal", "Internal"), ("attachable", "Attachable"), ("ingress", "Ingress"), ("config-only", "ConfigOnly"),
    ] {
      settings[member] = .bool(try words.isOn(flag))
    }
    if let source = words.filledText("config-from") {
      settings["ConfigFrom"] = .object(JSONObject([("Network", .string(source))]))
    }
    settings["IPAM"] = .object(
      JSONObject([
        ("Driver", .string(words.filledText("ipam-driver") ?? "default")),
        ("Options", .object(words.pairs("ipam-opt"))),
        ("Config", .array(try subnets(words))),
      ])
    )
    settings["Options"] = .object(words.pairs("opt"))
    settings["Labels"] = .object(words.pairs("label"))
    return settings
  }

  /// A row for each subnet, with the ranges, gateways and addresses that lie in it.
  private static func subnets(_ words: VerbWords) throws(DockerCommandLineError) -> [JSONValue] {
    func values(_ name: String) -> [String] {
      words.texts(name).flatMap { $0.split(separator: ",").map(String.init) }
    }
    let subnets = values("subnet")
    var rows = subnets.map { JSONObject([("Subnet", .string($0))]) }
    let blocks = subnets.map { AddressBlock($0) }
    func place(_ address: String, _ flag: String) throws(DockerCommandLineError) -> Int {
      guard let block = AddressBlock(address), let found = blocks.firstIndex(where: { $0?.contains(block) == true })
      else { throw .refused("no matching subnet for \(flag) \(address)") }
      return found
    }
    for range in values("ip-range") {
      let row = try place(range, "range")
      guard rows[row]["IPRange"] == nil else {
        throw .refused("cannot configure multiple ranges (\(range)) on the same subnet")
      }
      rows[row]["IPRange"] = .string(range)
    }
    for gateway in values("gateway") {
      let row = try place(gateway, "gateway")
      guard rows[row]["Gateway"] == nil else {
        throw .refused("cannot configure multiple gateways (\(gateway)) for the same subnet")
      }
      rows[row]["Gateway"] = .string(gateway)
    }
    for flag in words.all("aux-address") {
      let (name, address) = try flag.strictPair()
      let row = try place(address, "aux-address")
      var addresses = JSONObject(rows[row]["AuxiliaryAddresses"]?.members.map { ($0.name, $0.value) } ?? [])
      addresses[name] = .string(address)
      rows[row]["AuxiliaryAddresses"] = .object(addresses)
    }
    return rows.map { .object($0) }
  }

  /// The endpoint of a `network connect`.
  static func endpoint(_ words: VerbWords) throws(DockerCommandLineError) -> JSONObject {
    var endpoint = JSONObject()
    var addresses = JSONObject()
    if let ip = words.filledText("ip") { addresses["IPv4Address"] = .string(ip) }
    if let ip = words.filledText("ip6") { addresses["IPv6Address"] = .string(ip) }
    if words.last("link-local-ip") != nil { addresses["LinkLocalIPs"] = .strings(words.texts("link-local-ip")) }
    if !addresses.isEmpty { endpoint["IPAMConfig"] = .object(addresses) }
    if words.last("link") != nil { endpoint["Links"] = .strings(words.texts("link")) }
    if words.last("alias") != nil { endpoint["Aliases"] = .strings(words.texts("alias")) }
    if words.last("driver-opt") != nil { endpoint["DriverOpts"] = .object(words.pairs("driver-opt")) }
    if let priority = try words.integer("gw-priority") { endpoint["GwPriority"] = .integer(priority) }
    return endpoint
  }
}

/// A range of addresses, `10.0.0.0/8`; a lone address is a range of one.
struct AddressBlock: Equatable {
  private let bytes: [UInt8]
  private let bits: Int

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let bytes = Self.bytes(String(parts[0])) else { return nil }
    self.bytes = bytes
    if parts.count == 2 {
      guard let bits = Int(parts[1]), (0...bytes.count * 8).contains(bits) else { return nil }
      self.bits = bits
    } else {
      bits = bytes.count * 8
    }
  }

  func contains(_ other: AddressBlock) -> Bool {
    guard bytes.count == other.bytes.count, other.bits >= bits else { return false }
    return (0..<bits).allSatisfy { bit in
      let mask = UInt8(0x80) >> UInt8(bit % 8)
      return bytes[bit / 8] & mask == other.bytes[bit / 8] & mask
    }
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
    var six = in6_addr()
    if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
    return nil
  }
}
