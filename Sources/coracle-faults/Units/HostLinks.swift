// SPDX-License-Identifier: Apache-2.0
import TestKit

/// The wires between the hosts, cut by filters on the host that is cut off.
struct HostLinks {
  /// What becomes of packets.
  enum Loss: Sendable {
    /// They vanish.
    case dropped
    /// The sender is told at once.
    case rejected

    fileprivate var target: String { self == .dropped ? "DROP" : "REJECT" }
  }

  /// Which way packets are lost.
  enum Direction: Sendable {
    case both
    /// What the host sends is lost.
    case sent
    /// What the host is sent is lost.
    case received
  }

  let network: TestNetwork

  /// Cuts some hosts off from others, not from each other.
  func cut(_ hosts: [Int], from others: [Int], _ loss: Loss, _ direction: Direction = .both) async throws {
    for host in hosts {
      var rules: [String] = []
      for other in others {
        let address = network.address(of: other)
        if direction != .sent { rules.append("-A INPUT -s \(address) -j \(loss.target)") }
        if direction != .received { rules.append("-A OUTPUT -d \(address) -j \(loss.target)") }
      }
      try await filter(host, rules)
    }
  }

  /// Cuts all of what members say to each other, and nothing else.
  func cutPeers(of members: [Int], _ loss: Loss) async throws {
    for host in members {
      try await filter(
        host,
        ["INPUT", "OUTPUT"].map { "-A \($0) -p tcp --dport 2380 -j \(loss.target)" }
      )
    }
  }

  /// Joins all hosts again.
  func mend() async throws {
    for host in 1...network.hosts { try await filter(host, ["-F INPUT", "-F OUTPUT"]) }
  }

  private func filter(_ host: Int, _ rules: [String]) async throws {
    let script = rules.map { "iptables -w \($0)" }.joined(separator: " && ")
    try await succeed(["nsenter", "--net=/run/netns/\(network.namespace(of: host))", "sh", "-c", script])
  }
}
