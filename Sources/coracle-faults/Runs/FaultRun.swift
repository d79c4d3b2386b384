// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import Histories
import TestKit

/// What one run came to.
struct RunReport: Sendable {
  var fault: Fault
  var members: Int
  var seed: UInt64
  var seconds: Double
  /// Answered operations, and those whose outcome nobody knows.
  var answered: Int
  var unknown: Int
  var acknowledgedWrites: Int
  var watchEvents: Int
  /// Milliseconds from the first look after the fault until all members were healthy.
  var recoveryMilliseconds: Int
  var violation: String?
  var undecidedKeys: Int
}

/// One run: clients work, a fault comes and goes, and what they saw is checked.
struct FaultRun {
  let cluster: FaultCluster
  let fault: Fault
  let seed: UInt64
  /// The directory that the run has to itself.
  let root: String

  func run() async throws -> RunReport {
    let start = StoreConnection.now()
    let workload = Workload(root: root, members: cluster.members, seed: seed)
    try await Task.sleep(for: .milliseconds(800))
    var injector = FaultInjector(cluster: cluster, random: SeededGenerator(seed: seed))
    let injection: (any Error)?
    do {
      try await injector.run(fault)
      injection = nil
    } catch {
      injection = error
      try await cluster.mend()
    }
    let mended = StoreConnection.now()
    let recovery: (any Error)?
    do {
      try await cluster.waitUntilHealthy(within: .seconds(45))
      recovery = nil
    } catch {
      recovery = error
    }
    let healthy = StoreConnection.now()
    try await Task.sleep(for: .milliseconds(500))
    try await finish(workload)
    var report = RunReport(
      fault: fault,
      members: cluster.nodes.count,
      seed: seed,
      seconds: Double(StoreConnection.now() - start) / 1e9,
      answered: 0,
      unknown: 0,
      acknowledgedWrites: 0,
      watchEvents: 0,
      recoveryMilliseconds: Int((healthy - mended) / 1_000_000),
      violation: (injection ?? recovery).map { "the run itself: \($0)" },
      undecidedKeys: 0
    )
    try await check(workload.history, &report)
    return report
  }

  private func finish(_ workload: Workload) async throws {
    workload.stopWriters()
    try await eventually("the writers end", within: .seconds(60)) { workload.writersHaveEnded }
    workload.stopWatchers()
    try await eventually("the watchers have seen the last event") { workload.watchersHaveEnded }
  }

  private func check(_ history: History, _ report: inout RunReport) async throws {
    report.answered = history.operations.count { $0.outcome != .unknown && $0.outcome != .refused }
    report.unknown = history.operations.count { $0.outcome == .unknown }
    report.acknowledgedWrites = history.operations.count(where: \.isAcknowledgedWrite)
    report.watchEvents = history.watches.reduce(0) { $0 + $1.events.count }
    guard report.violation == nil else { return }
    do {
      try await cluster.waitUntilEqual(within: .seconds(30))
    } catch {
      report.violation = "equal stores: \(error)"
      return
    }
    var result = history.check()
    report.undecidedKeys = result.undecidedKeys.count
    for place in cluster.nodes.indices where result.violation == nil {
      let stored = try storedNodes(at: place)
      result.violation = SurvivalCheck(nodes: stored.nodes, etcdIndex: stored.index).check(history.operations)
    }
    report.violation = result.violation?.description
  }

  /// Everything below the run's directory as one member has it.
  private func storedNodes(at place: Int) throws -> (nodes: [NodeView], index: EtcdIndex) {
    let connection = StoreConnection(socketPath: cluster.members.socketPaths[place])
    let answer = try connection.exchange("GET", "/v2/keys\(root)?recursive=true", within: 10_000)
    let index = EtcdIndex(answer.head.fields["x-etcd-index"].flatMap { UInt64($0) } ?? 0)
    guard answer.head.status == 200 else {
      throw CommandFailed(description: "member \(place + 1) answers \(answer.head.status) to a read of \(root)")
    }
    var nodes: [NodeView] = []
    func collect(_ node: NodeView) {
      nodes.append(node)
      for child in node.nodes ?? [] { collect(child) }
    }
    collect(try KeysJSON.decodeEvent(answer.body, etcdIndex: index).node)
    return (nodes, index)
  }
}
