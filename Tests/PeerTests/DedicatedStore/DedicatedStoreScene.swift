// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing

/// What is tried with workers and the store that others hold for them.
struct DedicatedStoreScene {
  let store: DedicatedStore
  let cluster: TestCluster
  let fleet: Fleetctl

  static func use(_ body: (DedicatedStoreScene) async throws -> Void) async throws {
    let store = try #require(DedicatedStoreTrait.current)
    try await SharedCluster.use { cluster, fleet in
      try await body(DedicatedStoreScene(store: store, cluster: cluster, fleet: fleet))
    }
  }

  private func unit(_ name: String, _ fleetLines: String = "") throws -> String {
    try cluster.write(
      "[Service]\nExecStart=/bin/sh -c 'echo begun; exec sleep 100000'\n\n[X-Fleet]\n\(fleetLines)\n",
      to: name
    )
  }

  /// The processes of all units, machine by machine.
  private var processes: [[Int32]] { cluster.nodes.map { $0.processes(named: "sleep").sorted() } }

  private func answers(_ node: TestNode) async throws -> String {
    try await succeed(["curl", "-s", "-m", "20", "-w", "%{http_code}", "\(node.endpoint)/fleet/v1/units"])
  }

  private func startThreeApart() async throws -> [String: Int] {
    let names = (1...3).map { "apart.\($0).service" }
    try await fleet.expect(["start"] + names.map { try unit($0, "Conflicts=apart.*.service") })
    let homes = try await fleet.waitUntilActive(names)
    #expect(Set(homes.values) == [1, 2, 3])
    for node in cluster.nodes { _ = try await node.processes(named: "sleep", count: 1) }
    return homes
  }

  // MARK: What is tried

  func unitsRun() async throws {
    try await fleet.expect(["start", try unit("global.service", "Global=true"), try unit("one.service")])
    try await eventually("four states are active") {
      let active = try await fleet.active()
      return active["global.service"] == [1, 2, 3] && active["one.service"]?.count == 1
    }
    for node in cluster.nodes {
      let asked = Fleetctl(cluster, on: node)
      #expect(try await asked.column(["list-machines", "--full"]) == cluster.nodes.map(\.machineID))
      #expect(try await asked.expect(["status", "one"]).output.contains("active (running)"))
      #expect(try await asked.expect(["journal", "one"]).output.contains("begun"))
    }
    let stranger = try await store.etcdctl(["ls", "/_coreos.com"])
    #expect(stranger.status != 0 && "\(stranger)".contains("110"), "\(stranger)")
    let keys = try await store.etcdctl(as: DedicatedStore.root, ["ls", "--recursive", "/_coreos.com/fleet/job"])
    #expect(keys.output.contains("/_coreos.com/fleet/job/one.service/target"), "\(keys)")
    try await fleet.expect(["stop", "one"])
    try await eventually("one has stopped") { try await fleet.active().keys.sorted() == ["global.service"] }
  }

  func memberDies() async throws {
    let homes = try await startThreeApart()
    let before = processes
    for member in 0..<3 {
      try await store.kill(member)
      let extra = "extra.\(member).service"
      do {
        try await fleet.expect(["start", try unit(extra)])
        try await eventually("a unit starts without member \(member)") { try await fleet.active()[extra]?.count == 1 }
        try await fleet.expect(["destroy", extra])
      } catch {
        try store.start(member)
        throw error
      }
      try store.start(member)
      try await store.waitUntilHealthy()
    }
    #expect(try await fleet.waitUntilActive(Array(homes.keys)) == homes)
    #expect(processes == before)
  }

  func historyIsCleared() async throws {
    let homes = try await startThreeApart()
    let sleeping = cluster.nodes[1]
    let stays = try #require(homes.first { $0.value == 2 }?.key)
    // With etcd nobody waits for half a minute here.
    let isLost = store.kind == .coracle
    kill(try #require(sleeping.processID), SIGSTOP)
    do {
      try await fleet.expect(["destroy", "--no-block"] + homes.keys.filter { $0 != stays })
      if isLost {
        // A machine that is silent for its TTL is lost; its unit conflicts with those on the others.
        try await eventually("the unit runs elsewhere") {
          try await fleet.active()[stays].map { $0.count == 1 && $0 != [2] } ?? false
        }
      }
      try await fleet.expect(["start", "--no-block", try unit("pinned.service", "MachineID=\(sleeping.machineID)")])
      try await store.writeBeyondHistory()
    } catch {
      kill(sleeping.processID ?? 0, SIGCONT)
      throw error
    }
    kill(try #require(sleeping.processID), SIGCONT)
    try await eventually("the unit placed meanwhile runs, and one that moved has stopped here") {
      let active = try await fleet.active()
      return active["pinned.service"] == [2] && active[stays]?.count == 1
        && sleeping.processes(named: "sleep").count == (isLost ? 1 : 2)
    }
    #expect(sleeping.log.contains("requested index is outdated and cleared"))
  }

  /// Every kind of unit in every state that is asked for.
  func storeIsGone() async throws {
    let files = try ["global", "normal"].flatMap { kind in
      try ["inactive", "loaded", "launched"].map {
        (state: $0, file: try unit("\(kind)-\($0).service", kind == "global" ? "Global=true" : ""))
      }
    }
    for (state, verb) in [("inactive", "submit"), ("loaded", "load"), ("launched", "start")] {
      try await fleet.expect([verb] + files.filter { $0.state == state }.map(\.file))
    }
    func seen() async throws -> [String] {
      try await fleet.published().map { "\($0.name) \($0.machineID.prefix(2)) \($0.systemdActiveState)" }.sorted()
    }
    var states: [String] = []
    try await eventually("all are as they are wanted") {
      states = try await seen()
      return states.count == 8 && states.filter { $0.hasSuffix(" active") }.count == 4
    }
    let listed = try await fleet.expect(["list-unit-files", "--full"]).output
    try await eventually("four processes run") { processes.joined().count == 4 }
    let before = processes

    let clock = ContinuousClock()
    // Longer than the TTL by five seconds, as upstream has it.
    let end = clock.now + store.kind.agentTTL + .seconds(5)
    for member in 0..<3 { try await store.kill(member) }
    for node in cluster.nodes {
      try await eventually(
        "machine \(node.number) says that it has no store",
        within: store.kind.agentTTL + .seconds(60)
      ) {
        try await answers(node).hasSuffix("communicate with etcd\"}}503")
      }
    }
    while clock.now < end {
      guard processes == before else { throw CommandFailed(description: "\(before) became \(processes)") }
      try await Task.sleep(for: .milliseconds(250))
    }
    for member in 0..<3 { try store.start(member) }
    try await store.waitUntilHealthy()
    for node in cluster.nodes {
      try await eventually("machine \(node.number) has its store again") { try await answers(node).hasSuffix("200") }
    }
    // By now machines that are not back would be lost, and their units placed elsewhere.
    let settled = clock.now + store.kind.agentTTL + .seconds(1)
    while clock.now < settled {
      guard processes == before else { throw CommandFailed(description: "\(before) became \(processes)") }
      try await Task.sleep(for: .milliseconds(250))
    }
    try await cluster.waitUntilListed(cluster.nodes)
    #expect(try await seen() == states)
    #expect(try await fleet.expect(["list-unit-files", "--full"]).output == listed)
    for name in ["normal-launched", "global-launched"] {
      let journal = try await fleet.expect(["journal", "--lines", "100", name]).output
      #expect(!journal.contains("Stopping") && journal.components(separatedBy: "begun").count == 2, "\(journal)")
    }
  }

  func stopWithoutStore() async throws {
    _ = try await startThreeApart()
    let node = cluster.nodes[2]
    for member in 0..<3 { store.signal(member, SIGSTOP) }
    do {
      try await eventually("the machine says that it has no store") { try await answers(node).hasSuffix("503") }
      let clock = ContinuousClock()
      let begin = clock.now
      try await node.end(SIGTERM)
      print("a node without its store has stopped after \(clock.now - begin)")
    } catch {
      for member in 0..<3 { store.signal(member, SIGCONT) }
      throw error
    }
    for member in 0..<3 { store.signal(member, SIGCONT) }
    #expect(node.exitStatus == 0)
    #expect(node.processes(named: "sleep").isEmpty)
    try node.start()
    try await cluster.waitUntilListed(cluster.nodes)
  }
}
