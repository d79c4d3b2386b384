// SPDX-License-Identifier: Apache-2.0
import TestKit

/// The links between the machines' networks, cut by filters on the machine that would receive.
struct PeerLinks {
  let network: TestNetwork

  /// Drops what one machine sends to another, and nothing else.
  func cut(from sender: Int, to receiver: Int) async throws {
    try await filter(on: receiver, ["-A", "INPUT", "-s", network.address(of: sender), "-j", "DROP"])
  }

  /// Cuts both ways.
  func cut(between first: Int, and second: Int) async throws {
    try await cut(from: first, to: second)
    try await cut(from: second, to: first)
  }

  /// Joins all machines again.
  func mend() async throws {
    for host in 1...network.hosts { try await filter(on: host, ["-F", "INPUT"]) }
  }

  private func filter(on host: Int, _ words: [String]) async throws {
    try await succeed(["nsenter", "--net=/run/netns/\(network.namespace(of: host))", "iptables", "-w"] + words)
  }
}
