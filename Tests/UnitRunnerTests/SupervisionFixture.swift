// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Foundation
import Glibc
import Logging
import TestKit
import Testing
import Units

@testable import UnitRunner

/// A supervision on a directory of its own, with the unit-host as a thread of the test.
struct SupervisionFixture: Sendable {
  let supervision: UnitSupervision
  let directory: String

  /// Runs a supervision during `body`, then stops every unit.
  static func with(
    directory: URL,
    containers: (any ContainerCommandRunning)? = nil,
    environment: [String: String] = [:],
    stopsUnits: Bool = true,
    settings: (inout UnitSupervisionConfiguration) -> Void = { _ in },
    _ body: @Sendable @escaping (SupervisionFixture) async throws -> Void
  ) async throws {
    var configuration = UnitSupervisionConfiguration(
      stateDirectory: directory.path,
      machineID: "0123456789abcdef0123456789abcdef",
      environment: environment,
      hostLaunch: .thread
    )
    // Nothing of the machine's own.
    configuration.directoryRoot = "\(directory.path)/root"
    configuration.dropInDirectories = []
    settings(&configuration)
    let supervision = UnitSupervision(
      configuration: configuration,
      containers: containers,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    )
    let fixture = SupervisionFixture(supervision: supervision, directory: directory.path)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await supervision.run() }
      do {
        try await supervision.waitUntilReady()
        try await body(fixture)
      } catch {
        await supervision.stopAll()
        group.cancelAll()
        throw error
      }
      if stopsUnits { await supervision.stopAll() }
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  /// Loads units given by name and text.
  func load(_ units: [String: String]) async throws {
    let batch = try units.map { UnitToRun(name: try UnitName($0.key), file: try UnitFile(parsing: $0.value)) }
    let problems = await supervision.load(batch)
    #expect(problems.isEmpty)
  }

  func start(_ name: String) async throws {
    try await supervision.start(try UnitName(name))
  }

  func stop(_ name: String) async throws {
    try await supervision.stop(try UnitName(name))
  }

  /// `active/sub`, such as `active/running`.
  func words(_ name: String) async -> String {
    guard let unit = await supervision.units().first(where: { $0.name.rawValue == name }) else { return "gone" }
    return "\(unit.activity.active.rawValue)/\(unit.activity.sub.rawValue)"
  }

  /// Waits for a unit to be in a state.
  func expect(_ name: String, _ words: String) async throws {
    do {
      try await eventually("\(name) to be \(words)", every: .milliseconds(5)) {
        await self.words(name) == words
      }
    } catch {
      let journal = await supervision.status(of: try UnitName(name), lines: 50)?.journal.map(\.text) ?? []
      Issue.record("\(name) is \(await self.words(name)); its journal: \(journal.joined(separator: " | "))")
      throw error
    }
  }

  func status(_ name: String, lines: Int = 50) async throws -> UnitStatus {
    try #require(await supervision.status(of: try UnitName(name), lines: lines))
  }

  /// When the unit's machine does something by itself next, since the machine's boot.
  func deadline(_ name: String) async throws -> Duration? {
    try await supervision.deadline(of: try UnitName(name))
  }

  /// The main process, as soon as there is one.
  func mainProcess(_ name: String) async throws -> Int32 {
    try await eventually("a process of \(name)", every: .milliseconds(5)) {
      try await status(name).mainProcessID != nil
    }
    return try #require(try await status(name).mainProcessID)
  }

  /// The texts of the unit's output so far, without what the supervision says.
  func output(_ name: String) async throws -> [String] {
    try await status(name).journal.filter { $0.source != "coracle" }.map(\.text)
  }
}

/// Whether a process is there and has not ended.
func isRunning(_ processID: Int32) -> Bool {
  ProcessTable.entry(processID).map { $0.status != "Z" } ?? false
}
