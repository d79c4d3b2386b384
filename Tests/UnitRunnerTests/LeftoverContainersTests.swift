// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Which containers are left over, and what becomes of them.
@Suite struct LeftoverContainersTests {
  private typealias Known = LeftoverContainers.Units

  private static let machine = "0123456789abcdef0123456789abcdef"
  private static let text = "[Service]\nExecStart=/usr/bin/docker run --name python-service busybox"

  private static func known(keys: Set<String> = [], isRunning: Bool = true, placed: Set<String>? = []) -> Known {
    let unit = Known.Unit(invocation: "run2", isRunning: isRunning, containerKeys: keys)
    return Known(loaded: ["a.service": unit], placed: placed)
  }

  private static func container(
    _ unit: String?,
    key: String? = nil,
    removes: Bool = false,
    isRunning: Bool = true,
    isNew: Bool = false
  ) -> ContainerSummary {
    var labels = [ContainerLabel.machine: machine]
    labels[ContainerLabel.unit] = unit
    labels[ContainerLabel.command] = key
    if removes { labels[ContainerLabel.removes] = "true" }
    return ContainerSummary(id: ContainerID("c"), name: "c", labels: labels, isRunning: isRunning, isNew: isNew)
  }

  private func verdict(_ container: ContainerSummary, _ known: Known) -> LeftoverContainers.Verdict {
    LeftoverContainers.verdict(on: container, known)
  }

  @Test func `a container of a command lasts as long as that`() {
    let known = Self.known(keys: ["a.service/run2/3"])
    let over = LeftoverContainers.Verdict.remove(reason: .commandIsOver, volumes: false)
    #expect(verdict(Self.container("a.service", key: "a.service/run2/3"), known) == .keep)
    #expect(verdict(Self.container("a.service", key: "a.service/run1/3"), known) == over)
    #expect(verdict(Self.container("a.service", key: "a.service/run2/2"), known) == over)
    let ended = Self.container("a.service", key: "a.service/run1/3", isRunning: false)
    #expect(verdict(ended, known) == .keep, "docker keeps it too")
    let new = Self.container("a.service", key: "a.service/run1/3", isRunning: false, isNew: true)
    #expect(verdict(new, known) == over)
    let removed = Self.container("a.service", key: "a.service/run1/3", removes: true, isRunning: false)
    #expect(verdict(removed, known) == .remove(reason: .commandIsOver, volumes: true))
    #expect(verdict(Self.container("a.service"), known) == .keep, "in the background")
  }

  @Test func `a container of a shell line lasts as long as its run`() {
    let key = ContainerLabel.shellKey(unit: "a.service", invocation: "run2", processID: 7)
    let old = ContainerLabel.shellKey(unit: "a.service", invocation: "run1", processID: 7)
    #expect(verdict(Self.container("a.service", key: key), Self.known()) == .keep)
    let over = LeftoverContainers.Verdict.remove(reason: .commandIsOver, volumes: false)
    #expect(verdict(Self.container("a.service", key: old), Self.known()) == over)
    #expect(verdict(Self.container("a.service", key: key), Self.known(isRunning: false)) == over)
  }

  @Test func `a unit is gone when it is neither loaded nor placed here`() {
    let gone = LeftoverContainers.Verdict.remove(reason: .unitIsGone, volumes: false)
    #expect(verdict(Self.container("b.service"), Self.known()) == gone)
    #expect(verdict(Self.container("b.service", key: "b.service/run1/1", isRunning: false), Self.known()) == gone)
    #expect(verdict(Self.container("b.service"), Self.known(placed: ["b.service"])) == .keep)
    #expect(verdict(Self.container("b.service"), Self.known(placed: nil)) == .keep, "nothing is known")
    #expect(verdict(Self.container("b.service", isRunning: false), Self.known()) == .removeUnlessItHasVolumes)
    #expect(verdict(Self.container(nil), Self.known()) == .keep)
  }

  @Test func `what changes while containers are listed is judged later`() {
    let container = Self.container("a.service", key: "a.service/run2/3")
    let running = Self.known(keys: ["a.service/run2/3"])
    #expect(LeftoverContainers.verdict(on: container, Self.known(), running) == .keep)
    #expect(LeftoverContainers.verdict(on: container, running, Self.known()) == .keep)
    #expect(LeftoverContainers.verdict(on: container, Self.known(), Self.known()) != .keep)
  }

  @Test func `leftovers are removed once it is known what belongs here, and nobody else's`() async throws {
    let engine = FakeEngine()
    var labels = [ContainerLabel.machine: Self.machine, ContainerLabel.unit: "gone.service"]
    engine.put("gone", labels: labels)
    engine.put("data", labels: labels, isRunning: false, hasVolumes: true)
    engine.put("copy", labels: labels, imageLabels: labels)
    labels[ContainerLabel.unit] = "coming.service"
    engine.put("coming", labels: labels)
    labels[ContainerLabel.machine] = "another"
    engine.put("another", labels: labels)
    engine.put("foreign", labels: [:])
    try await withTestDirectory { directory in
      try await SupervisionFixture.with(
        directory: directory,
        containers: engine,
        settings: { $0.containerSweepInterval = .milliseconds(5) }
      ) { units in
        try await units.load(["python.service": Self.text])
        try await units.start("python.service")
        try await eventually("a container") { engine.container("python-service")?.isRunning == true }
        try await holds("nothing is removed", for: .milliseconds(50), every: .milliseconds(10)) {
          engine.names.contains("gone")
        }
        units.supervision.expect([try UnitName("coming.service")])
        try await eventually("the leftover is gone") { !engine.names.contains("gone") }
        let left = ["another", "coming", "copy", "data", "foreign", "python-service"]
        try await holds("the others stay", for: .milliseconds(50), every: .milliseconds(10)) { engine.names == left }
        #expect(engine.log.contains("stop gone"))
      }
    }
  }
}
