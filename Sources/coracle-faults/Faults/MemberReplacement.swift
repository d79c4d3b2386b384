// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc
import TestKit

/// Replaces a member for good: its machine is lost with its disk, and an empty one joins at its address.
struct MemberReplacement {
  let cluster: FaultCluster

  /// Removes the member at one place and lets another with an empty disk join there.
  func replace(_ place: Int, by helper: Int) async throws {
    let node = cluster.nodes[place]
    guard let old = cluster.standing(of: place)?.memberID, !old.isEmpty else {
      throw CommandFailed(description: "member \(place + 1) does not say who it is")
    }
    try await node.powerOff()
    try await change("remove member \(old)", helper, "DELETE", "/v2/members/\(old)", statuses: [204, 410])
    try cluster.disks[place].wipe()
    let url = "http://\(node.address):2380"
    let body = #"{"peerURLs":["\#(url)"]}"#
    try await change("add \(url)", helper, "POST", "/v2/members", json: body, statuses: [201, 409])
    try cluster.writeUserData(of: node, initialCluster: try initialCluster(with: node, seenBy: helper), isNew: false)
    try cluster.start(place)
    try await eventually("the new member \(place + 1) is healthy", within: .seconds(60)) { cluster.isHealthy(place) }
  }

  /// Asks until it is done; a change may have been made although its answer was an error.
  private func change(
    _ what: String,
    _ place: Int,
    _ method: String,
    _ target: String,
    json: String? = nil,
    statuses: Set<Int>
  ) async throws {
    var last = 0
    do {
      try await eventually(what, every: .milliseconds(300)) {
        last = try cluster.ask(place, method, target, json: json).status
        return statuses.contains(last)
      }
    } catch {
      throw CommandFailed(description: "\(error); the last answer was \(last)")
    }
  }

  /// `initial-cluster` as it now is, with the new member's name in the place of the one it does not have yet.
  private func initialCluster(with node: TestNode, seenBy helper: Int) throws -> String {
    let answer = try cluster.ask(helper, "GET", "/v2/members")
    let members = try JSONValue.parse(answer.body)["members"]?.array ?? []
    return members.map { member in
      let name = member["name"]?.string ?? ""
      let url = member["peerURLs"]?.array?.first?.string ?? ""
      return "\(name.isEmpty ? "node\(node.number)" : name)=\(url)"
    }.joined(separator: ",")
  }
}
