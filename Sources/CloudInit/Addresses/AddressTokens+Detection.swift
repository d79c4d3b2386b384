// SPDX-License-Identifier: Apache-2.0
public import CloudConfig
import Glibc

/// An address of this computer.
struct InterfaceAddress: Equatable {
  var interface: String
  var text: String
  var isIPv6: Bool
}

extension AddressTokens {
  /// Detects this computer's addresses.
  ///
  /// An address of the environment (`COREOS_PUBLIC_IPV4` and so on) wins, then what a datasource has told. Else the
  /// interface of the default route counts, else any but loopback. A private address (RFC 1918) is preferred for `$private_ipv4` and any other for `$public_ipv4`;
  /// where there is only one of them, it stands for both.
  public static func detect(
    environment: [String: String],
    told: AddressTokens = AddressTokens()
  ) -> AddressTokens {
    detect(environment: environment, told: told, addresses: interfaceAddresses(), defaultInterface: defaultInterface())
  }

  static func detect(
    environment: [String: String],
    told: AddressTokens = AddressTokens(),
    addresses: [InterfaceAddress],
    defaultInterface: String?
  ) -> AddressTokens {
    let onDefault = addresses.filter { $0.interface == defaultInterface }
    let candidates = onDefault + addresses.filter { $0.interface != defaultInterface && !isBridge($0.interface) }
    let version4 = candidates.filter { !$0.isIPv6 }.map(\.text)
    let version6 = candidates.filter { $0.isIPv6 && !$0.text.hasPrefix("fe80:") }.map(\.text)
    let given = { (name: String) in environment["COREOS_\(name)"].flatMap { $0.isEmpty ? nil : $0 } }
    return AddressTokens(
      publicIPv4: given("PUBLIC_IPV4") ?? told.publicIPv4 ?? version4.first { !isPrivate($0) } ?? version4.first,
      privateIPv4: given("PRIVATE_IPV4") ?? told.privateIPv4 ?? version4.first(where: isPrivate) ?? version4.first,
      publicIPv6: given("PUBLIC_IPV6") ?? told.publicIPv6 ?? version6.first { !isPrivate($0) } ?? version6.first,
      privateIPv6: given("PRIVATE_IPV6") ?? told.privateIPv6 ?? version6.first(where: isPrivate) ?? version6.first
    )
  }

  /// Whether a text is an address of IPv6; nil when it is none of either kind.
  static func isIPv6(_ text: String) -> Bool? {
    var bytes = in6_addr()
    if inet_pton(AF_INET, text, &bytes) == 1 { return false }
    return inet_pton(AF_INET6, text, &bytes) == 1 ? true : nil
  }

  /// RFC 1918 for IPv4, RFC 4193 for IPv6.
  static func isPrivate(_ address: String) -> Bool {
    let parts = address.split(separator: ".").compactMap { Int($0) }
    if parts.count == 4 {
      return parts[0] == 10 || (parts[0] == 172 && (16...31).contains(parts[1])) || (parts[0] == 192 && parts[1] == 168)
    }
    return address.hasPrefix("fc") || address.hasPrefix("fd")
  }

  /// Bridges of container engines, which nobody outside can reach.
  private static func isBridge(_ interface: String) -> Bool {
    ["docker", "br-", "veth", "virbr", "podman", "cni", "flannel"].contains { interface.hasPrefix($0) }
  }

  // MARK: The computer

  private static func interfaceAddresses() -> [InterfaceAddress] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: [InterfaceAddress] = []
    var next = first
    while let entry = next {
      next = entry.pointee.ifa_next
      let flags = Int32(bitPattern: entry.pointee.ifa_flags)
      guard let address = entry.pointee.ifa_addr, flags & Int32(IFF_UP) != 0,
        flags & Int32(IFF_LOOPBACK) == 0
      else { continue }
      let family = Int32(address.pointee.sa_family)
      guard family == AF_INET || family == AF_INET6 else { continue }
      let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
      var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard getnameinfo(address, socklen_t(length), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else {
        continue
      }
      let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      found.append(
        InterfaceAddress(interface: String(cString: entry.pointee.ifa_name), text: text, isIPv6: family == AF_INET6)
      )
    }
    return found
  }

  /// The interface of the route to everywhere, as `/proc/net/route` has it.
  private static func defaultInterface() -> String? {
    guard let bytes = try? DurableFile.read("/proc/net/route", limitBytes: 1 << 20) else { return nil }
    return defaultInterface(routes: String(decoding: bytes, as: UTF8.self))
  }

  static func defaultInterface(routes: String) -> String? {
    let rows = routes.split(separator: "\n").dropFirst().map { $0.split(whereSeparator: { $0 == "\t" || $0 == " " }) }
    return
      rows
      .filter { $0.count > 7 && $0[1] == "00000000" && $0[7] == "00000000" }
      .min { (Int($0[6]) ?? .max) < (Int($1[6]) ?? .max) }
      .map { String($0[0]) }
  }
}

extension MachineSpecifiers {
  /// The values of this computer, with the node's machine id.
  public static func ofThisComputer(machineID: String) -> MachineSpecifiers {
    var name = utsname()
    uname(&name)
    let bootID = (try? DurableFile.read("/proc/sys/kernel/random/boot_id", limitBytes: 4_096)) ?? []
    return MachineSpecifiers(
      hostname: withUnsafeBytes(of: name.nodename, text),
      machineID: machineID,
      bootID: String(decoding: bootID, as: UTF8.self).filter { $0.isHexDigit },
      kernelRelease: withUnsafeBytes(of: name.release, text)
    )
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
