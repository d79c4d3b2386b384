// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Several hosts on this computer: a network namespace for each, joined by a bridge in one more namespace.
///
/// There is no way out of it, so that looking for an image registry fails at once. Needs root. Everything is removed by
/// ``remove()``.
public struct TestNetwork: Sendable {
  /// The first three numbers of every address.
  public let prefix: String
  /// How many hosts there are, besides the switch.
  public let hosts: Int
  private let mark: String

  /// The namespace of the switch, which serves as the laptop.
  public var switchNamespace: String { "crc\(mark)s" }

  /// The switch's own address.
  public var switchAddress: String { "\(prefix).254" }

  /// The namespace of a host, from 1.
  public func namespace(of host: Int) -> String { "crc\(mark)m\(host)" }

  /// The address of a host, from 1.
  public func address(of host: Int) -> String { "\(prefix).\(host)" }

  /// Makes the namespaces and their links.
  ///
  /// - Throws: ``CommandFailed`` when the kernel or a missing right says no.
  public static func make(hosts: Int) async throws -> TestNetwork {
    let network = TestNetwork(
      prefix: "10.77.\(Int.random(in: 1...250))",
      hosts: hosts,
      mark: String(UUID().uuidString.prefix(5).lowercased())
    )
    do {
      try await network.build()
    } catch {
      await network.remove()
      throw error
    }
    return network
  }

  private func build() async throws {
    try await succeed(["ip", "netns", "add", switchNamespace])
    try await inSwitch(["ip", "link", "add", "bridge", "type", "bridge"])
    try await inSwitch(["ip", "link", "set", "bridge", "up"])
    try await inSwitch(["ip", "link", "set", "lo", "up"])
    try await inSwitch(["ip", "address", "add", "\(switchAddress)/24", "dev", "bridge"])
    for host in 1...hosts {
      let name = namespace(of: host)
      try await succeed(["ip", "netns", "add", name])
      try await succeed([
        "ip", "link", "add", "wire", "netns", name, "type", "veth", "peer", "name", "port\(host)", "netns",
        switchNamespace,
      ])
      try await inSwitch(["ip", "link", "set", "port\(host)", "master", "bridge", "up"])
      for words in [
        ["link", "set", "lo", "up"], ["address", "add", "\(address(of: host))/24", "dev", "wire"],
        ["link", "set", "wire", "up"],
      ] {
        try await succeed(["nsenter", "--net=/run/netns/\(name)", "ip"] + words)
      }
    }
  }

  private func inSwitch(_ arguments: [String]) async throws {
    try await succeed(["nsenter", "--net=/run/netns/\(switchNamespace)"] + arguments)
  }

  /// Cuts a host off from all others, or joins it again.
  ///
  /// - Throws: ``CommandFailed``.
  public func setConnected(_ isConnected: Bool, host: Int) async throws {
    try await inSwitch(["ip", "link", "set", "port\(host)", isConnected ? "up" : "down"])
  }

  /// Removes the namespaces; links go with them.
  public func remove() async {
    for name in (1...hosts).map(namespace(of:)) + [switchNamespace] {
      _ = try? await run(["ip", "netns", "delete", name])
    }
  }
}
