// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

@Suite struct UnitGroupsTests {
  @Test(arguments: [true, false])
  func `all processes of a unit are found, those in sessions of their own too`(usesControlGroups: Bool) async throws {
    var groups = UnitGroups(name: "test-\(getpid())-\(usesControlGroups)", usesControlGroups: usesControlGroups)
    let unit = "found@1.service"
    let request = ProcessRequest(
      id: "1",
      unit: unit,
      source: "sh",
      program: "/bin/sh",
      words: ["sh", "-c", "setsid sleep 1003 & sleep 1004 & exec sleep 1005"],
      environment: ["PATH=/usr/bin:/bin", "\(UnitGroups.marker)=\(unit)"]
    )
    let result = ProcessSpawner.spawn(
      request,
      streams: ProcessStreams.Descriptors(input: 0, output: 2, error: 2),
      entrances: groups.entrances(of: unit).paths,
      openFilesLimit: 0
    )
    #expect(result.step == UNIT_SPAWN_DONE)
    close(result.pidfd)
    groups.started(result.pid, of: unit)
    let before = groups
    try await eventually("three processes") { before.members(of: unit).count == 3 }
    for member in groups.members(of: unit) { kill(member, SIGKILL) }
    waitpid(result.pid, nil, 0)
    try await eventually("no process") { before.members(of: unit).isEmpty }
    groups.forgetAll()
  }

  @Test func `a process that cannot be started says at which step`() {
    func step(_ change: (inout ProcessRequest) -> Void) -> UInt32 {
      var request = ProcessRequest(
        id: "1",
        unit: "a",
        source: "a",
        program: "/bin/true",
        words: ["true"],
        environment: []
      )
      change(&request)
      let result = ProcessSpawner.spawn(
        request,
        streams: ProcessStreams.Descriptors(input: 0, output: 2, error: 2),
        entrances: [],
        openFilesLimit: 0
      )
      if result.pid > 0 {
        close(result.pidfd)
        waitpid(result.pid, nil, 0)
      }
      return result.step.rawValue
    }
    #expect(step { _ in } == 0)
    #expect(step { $0.program = "/no/such" } == 203)
    #expect(step { $0.directory = "/no/such" } == 200)
    #expect(
      step {
        $0.directory = "/no/such"
        $0.isDirectoryOptional = true
      } == 0
    )
    // More processors than a machine has.
    #expect(step { $0.settings.processors = [1000] } == 215)
    #expect(step { $0.settings.limits = [ProcessLimit(.core, soft: 2, hard: 1)] } == 205)
  }
}
