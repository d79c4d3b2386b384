// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CloudInit

/// A tree of files that goes with the test.
final class TreeFixture: Sendable {
  private let temporary: TemporaryDirectory
  /// The directory that stands for `/`.
  var root: String { "\(temporary.path)/root" }
  /// A place beside it, which nothing may reach.
  var outside: String { "\(temporary.path)/outside" }

  init() throws {
    temporary = try TemporaryDirectory()
    for folder in [root, outside] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
  }

  func make(_ folder: String) throws {
    try FileManager.default.createDirectory(atPath: root + folder, withIntermediateDirectories: true)
  }

  func write(_ path: String, _ text: String) throws {
    try make(path.split(separator: "/").dropLast().map { "/\($0)" }.joined())
    try text.write(toFile: root + path, atomically: false, encoding: .utf8)
  }

  func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: root + path, withDestinationPath: target)
  }

  func text(_ path: String) -> String? {
    try? String(contentsOfFile: root + path, encoding: .utf8)
  }

  /// Permission bits and owner, such as `0644 0:0`.
  func standing(_ path: String) -> String {
    var status = stat()
    guard lstat(root + path, &status) == 0 else { return "missing" }
    let bits = String(status.st_mode & 0o7777, radix: 8)
    return "\(String(repeating: "0", count: max(0, 4 - bits.count)))\(bits) \(status.st_uid):\(status.st_gid)"
  }

  /// Every path below the root, in order.
  func paths() -> [String] {
    (FileManager.default.subpaths(atPath: root) ?? []).sorted()
  }

  var outsideNames: [String] { (FileManager.default.subpaths(atPath: outside) ?? []).sorted() }

  func apply(_ plan: BootPlan) async throws -> Applied {
    let place = SystemApplication.Place(root: root, dataDirectory: "/var/lib/coracle")
    var application = try await SystemApplication(plan, at: place, changes: true)
    let events = EventList()
    for phase in [SystemStep.Phase.preparation, .commands] {
      try await application.carryOut(phase, stop: ChildStop()) { events.add($0) }
    }
    return Applied(changes: application.changes, failures: application.failures, events: events.all)
  }

  func apply(_ system: SystemPlan) async throws -> Applied {
    try await apply(BootPlan(system: system))
  }
}

/// What came of carrying a plan out.
struct Applied {
  var changes: Int
  var failures: Int
  var events: [SystemApplication.Event]

  /// Steps that failed, with their reasons.
  var reasons: [String] {
    events.compactMap { if case .failed(let step, let reason) = $0 { "\(step): \(reason)" } else { nil } }
  }
}

private final class EventList: Sendable {
  private let list = Mutex<[SystemApplication.Event]>([])

  func add(_ event: SystemApplication.Event) {
    list.withLock { $0.append(event) }
  }

  var all: [SystemApplication.Event] { list.withLock { $0 } }
}
