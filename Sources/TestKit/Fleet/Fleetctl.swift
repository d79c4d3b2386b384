// SPDX-License-Identifier: Apache-2.0
import Foundation

/// `fleetctl`, which is our own binary by another name, against one node; what is only looked at is asked of its API.
public struct Fleetctl {
  /// The cluster it is used on.
  public let cluster: TestCluster
  /// The node that is asked.
  public var node: TestNode

  /// Describes a client of a node, the first unless said otherwise.
  public init(_ cluster: TestCluster, on node: TestNode? = nil) {
    self.cluster = cluster
    self.node = node ?? cluster.nodes[0]
  }

  /// Runs a command to its end.
  ///
  /// - Returns: What it printed and its status, whatever that is.
  /// - Throws: When it cannot be run or does not end.
  public func run(_ arguments: [String]) async throws -> CommandOutput {
    try await TestKit.run(
      node.onMachine([try cluster.program("fleetctl")] + arguments),
      environment: ["FLEETCTL_ENDPOINT": node.endpoint, "FLEETCTL_REQUEST_TIMEOUT": "30"],
      directory: cluster.directory
    )
  }

  /// Runs a command that has to end with status 0.
  ///
  /// - Throws: ``CommandFailed``.
  @discardableResult
  public func expect(_ arguments: [String]) async throws -> CommandOutput {
    let result = try await run(arguments)
    guard result.status == 0 else { throw CommandFailed(description: result.description) }
    return result
  }

  /// The first column of a listing.
  ///
  /// - Throws: ``CommandFailed``.
  public func column(_ arguments: [String]) async throws -> [String] {
    try await expect(arguments + ["--no-legend"]).output.split(separator: "\n")
      .map { String($0.split(whereSeparator: \.isWhitespace).first ?? "") }
  }

  // MARK: Units

  /// A unit as the API lists it.
  public struct Unit: Decodable, Sendable {
    /// Its name.
    public var name: String
    /// The state that is wanted.
    public var desiredState: String?
    /// The state that it is in.
    public var currentState: String?
    /// Where it is placed.
    public var machineID: String?
  }

  /// A state that a machine has published.
  public struct Published: Decodable, Sendable {
    /// The unit's name.
    public var name: String
    /// Who published it.
    public var machineID: String
    /// `active` and its like.
    public var systemdActiveState: String
    /// `running` and its like.
    public var systemdSubState: String
  }

  private struct Page: Decodable {
    var units: [Unit]?
    var states: [Published]?
    var nextPageToken: String?
  }

  private func pages(_ path: String) async throws -> [Page] {
    var pages: [Page] = []
    var token = ""
    repeat {
      let query = token.isEmpty ? "" : "?nextPageToken=\(token.replacingOccurrences(of: "=", with: "%3D"))"
      let page = try JSONDecoder().decode(
        Page.self,
        from: Data(try await cluster.get("/fleet/v1/\(path)\(query)", from: node).utf8)
      )
      pages.append(page)
      token = page.nextPageToken ?? ""
    } while !token.isEmpty
    return pages
  }

  /// All units.
  ///
  /// - Throws: ``CommandFailed`` when the node does not answer.
  public func units() async throws -> [Unit] {
    try await pages("units").flatMap { $0.units ?? [] }
  }

  /// All published states.
  ///
  /// - Throws: ``CommandFailed`` when the node does not answer.
  public func published() async throws -> [Published] {
    try await pages("state").flatMap { $0.states ?? [] }
  }

  /// `active/sub` of every unit that has a state.
  ///
  /// - Throws: ``CommandFailed`` when the node does not answer.
  public func states() async throws -> [String: String] {
    Dictionary(try await published().map { ($0.name, "\($0.systemdActiveState)/\($0.systemdSubState)") }) { $1 }
  }

  /// Which machines say that a unit is active, by unit: numbers in ascending order.
  ///
  /// - Throws: ``CommandFailed`` when the node does not answer.
  public func active() async throws -> [String: [Int]] {
    var homes: [String: [Int]] = [:]
    for state in try await published() where state.systemdActiveState == "active" {
      let number = cluster.nodes.first { $0.machineID == state.machineID }?.number ?? 0
      homes[state.name, default: []].append(number)
    }
    return homes.mapValues { $0.sorted() }
  }

  /// Waits until units are in the states given.
  ///
  /// - Throws: ``CommandFailed`` with what was seen last.
  public func wait(for wanted: [String: String]) async throws {
    var last: [String: String] = [:]
    do {
      try await eventually("units are \(wanted)") {
        last = try await states()
        return wanted.allSatisfy { last[$0.key] == $0.value }
      }
    } catch {
      throw CommandFailed(description: "\(error)\nlast seen: \(last)")
    }
  }

  /// Waits until just these units are active, each on one machine.
  ///
  /// - Returns: The number of each unit's machine.
  /// - Throws: ``CommandFailed`` with what was seen last.
  @discardableResult
  public func waitUntilActive(_ names: [String]) async throws -> [String: Int] {
    var last: [String: [Int]] = [:]
    do {
      try await eventually("active: \(names)") {
        last = try await active()
        return last.keys.sorted() == names.sorted() && last.values.allSatisfy { $0.count == 1 }
      }
    } catch {
      throw CommandFailed(description: "\(error)\nlast seen: \(last)")
    }
    return last.mapValues { $0[0] }
  }

  /// The machine that a unit is placed on.
  ///
  /// - Throws: ``CommandFailed`` when it is placed nowhere.
  public func machine(of name: String) async throws -> TestNode {
    let unit = try await units().first { $0.name == name }
    guard let node = cluster.nodes.first(where: { $0.machineID == unit?.machineID }) else {
      throw CommandFailed(description: "\(name) is placed nowhere: \(String(describing: unit))")
    }
    return node
  }

  /// Destroys all units and waits until nothing is left of them.
  ///
  /// - Throws: When something stays.
  public func clear() async throws {
    let names = try await units().map(\.name)
    if !names.isEmpty { try await expect(["destroy", "--no-block"] + names) }
    try await eventually("no unit is left") {
      guard try await units().isEmpty else { return false }
      return try await published().isEmpty
    }
  }
}
