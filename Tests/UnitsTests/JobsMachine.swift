// SPDX-License-Identifier: Apache-2.0
@testable import Units

/// A machine full of units whose starts and stops are granted by hand.
struct JobsMachine {
  var jobs = UnitJobs(presentUnits: ["docker.service", "multi-user.target"])

  mutating func load(_ name: String, _ text: String) throws {
    let name = try UnitName("\(name).service")
    let reading = ServiceReading(try UnitFile(parsing: "[Unit]\n\(text)"), name: name)
    jobs.load(name, reading.definition.dependencies, activity: UnitActivity())
  }

  mutating func start(_ name: String) throws -> [String] { Self.words(try jobs.requestStart(try unit(name))) }
  mutating func stop(_ name: String) throws -> [String] { Self.words(jobs.requestStop(try unit(name))) }

  mutating func now(
    _ name: String,
    _ sub: UnitActivity.SubState,
    _ result: ServiceResult = .success
  ) throws -> [String] {
    Self.words(jobs.changed(try unit(name), to: UnitActivity(sub: sub, result: result)))
  }

  mutating func unload(_ name: String) throws -> [String] { Self.words(jobs.unload(try unit(name))) }
  mutating func leave(_ name: String) throws -> [String] { Self.words(jobs.requestLeave(try unit(name))) }
  mutating func restart(_ name: String) throws -> [String] { Self.words(try jobs.requestRestart(try unit(name))) }
  mutating func stopAll() -> [String] { Self.words(jobs.requestStopAll()) }
  mutating func loaded() -> [String] { Self.words(jobs.loaded()) }
  mutating func tick(_ seconds: Int) -> [String] { Self.words(jobs.tick(at: .seconds(seconds))) }

  /// Starts units that need nothing to be waited for, and has them up.
  mutating func bringUp(_ names: String...) throws {
    for name in names {
      _ = try start(name)
      _ = try now(name, .running)
    }
  }

  /// Units that have a job.
  var waiting: [String] { jobs.busy.map(\.nameWithoutSuffix).sorted() }

  func unit(_ name: String) throws -> UnitName { try UnitName("\(name).service") }

  static func words(_ directives: [UnitJobs.Directive]) -> [String] {
    directives.map { directive in
      switch directive {
      case .start(let name): "start \(name.nameWithoutSuffix)"
      case .stop(let name): "stop \(name.nameWithoutSuffix)"
      case .stopToRestart(let name): "stop to restart \(name.nameWithoutSuffix)"
      case .drop(let name): "drop \(name.nameWithoutSuffix)"
      case .note(let name, let text): "note \(name.nameWithoutSuffix): \(text)"
      case .refuse(let name, let refusal): "refuse \(name.nameWithoutSuffix): \(refusal)"
      }
    }
  }
}
