// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Path units, with real files and processes.
@Suite struct PathUnitTests {
  private static let sleeping = "[Service]\nExecStart=/bin/sleep 1000"

  /// A directory for the paths beside the supervision's own.
  private func with(
    _ units: (String) -> [String: String],
    _ body: @Sendable @escaping (SupervisionFixture, String) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let files = directory.appendingPathComponent("files").path
      try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
      let texts = units(files)
      try await SupervisionFixture.with(directory: directory.appendingPathComponent("s")) { fixture in
        try await fixture.load(texts)
        try await body(fixture, files)
      }
    }
  }

  private static func write(_ path: String, _ text: String = "x") throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  @Test func `a path that is made bit by bit starts the service, again once that is down`() async throws {
    try await with({
      ["a.path": "[Path]\nPathExists=\($0)/deep/down/wanted", "a.service": Self.sleeping]
    }) { units, files in
      try await units.start("a.path")
      try await units.expect("a.path", "active/waiting")
      #expect(await units.words("a.service") == "inactive/dead")
      try FileManager.default.createDirectory(atPath: "\(files)/deep/down", withIntermediateDirectories: true)
      try Self.write("\(files)/deep/down/wanted")
      try await units.expect("a.service", "active/running")
      try await units.expect("a.path", "active/running")
      _ = unlink("\(files)/deep/down/wanted")
      try await units.stop("a.service")
      try await units.expect("a.path", "active/waiting")
      try Self.write("\(files)/deep/down/wanted")
      try await units.expect("a.service", "active/running")
      try await units.stop("a.path")
      try await units.expect("a.path", "inactive/dead")
      #expect(await units.words("a.service") == "active/running")
      #expect(try await units.status("a.path").warnings.isEmpty)
    }
  }

  @Test func `each change of a file runs the job`() async throws {
    try await with({
      [
        "a.path": "[Path]\nPathChanged=\($0)/watched\nUnit=job.service",
        "job.service":
          "[Unit]\nStartLimitBurst=0\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'cat \($0)/watched >> \($0)/log'",
      ]
    }) { units, files in
      try await units.start("a.path")
      try await units.expect("a.path", "active/waiting")
      for round in 1...3 {
        try await units.expect("a.path", "active/waiting")
        if round == 1 {
          // It is there with all that is in it at once.
          try Self.write("\(files)/new", "1\n")
          #expect(rename("\(files)/new", "\(files)/watched") == 0)
        } else {
          let file = open("\(files)/watched", O_WRONLY | O_TRUNC)
          let count = Glibc.write(file, "\(round)\n", 2)
          #expect(count == 2)
          close(file)
        }
        try await eventually("round \(round)") {
          (try? String(contentsOfFile: "\(files)/log", encoding: .utf8))?.contains("\(round)\n") == true
        }
      }
    }
  }

  @Test func `a directory that fills, and a pattern`() async throws {
    try await with({
      [
        "spool.path": "[Path]\nDirectoryNotEmpty=\($0)/spool\nMakeDirectory=yes\nDirectoryMode=0700",
        "spool.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'rm \($0)/spool/* && touch \($0)/done'",
        "glob.path": "[Path]\nPathExistsGlob=\($0)/*.ready", "glob.service": Self.sleeping,
      ]
    }) { units, files in
      for name in ["spool.path", "glob.path"] {
        try await units.start(name)
        try await units.expect(name, "active/waiting")
      }
      var status = stat()
      let looked = stat("\(files)/spool", &status)
      #expect(looked == 0 && status.st_mode & 0o777 == 0o700)
      try Self.write("\(files)/spool/one")
      try await eventually("the spool to be done") { access("\(files)/done", F_OK) == 0 }
      try await units.expect("spool.path", "active/waiting")
      #expect(await units.words("glob.service") == "inactive/dead")
      try Self.write("\(files)/a.ready")
      try await units.expect("glob.service", "active/running")
    }
  }

  @Test func `a path unit fails when its service is started too often or is not there`() async throws {
    try await with({
      [
        "a.path": "[Path]\nPathExists=\($0)", "a.service": "[Service]\nType=oneshot\nExecStart=/bin/true",
        "b.path": "[Path]\nPathExists=\($0)\nUnit=nowhere.service",
      ]
    }) { units, _ in
      try await units.start("a.path")
      try await units.expect("a.path", "failed/failed")
      #expect(try await units.status("a.path").unit.activity.result == .unitStartLimitHit)
      try await units.start("b.path")
      try await units.expect("b.path", "failed/failed")
      #expect(try await units.status("b.path").unit.activity.result == .resources)
      #expect(try await units.status("b.path").unit.problem?.contains("nowhere.service") == true)
    }
  }

  @Test func `paths that could not be watched once can be later`() async throws {
    try await withTestDirectory { directory in
      var answers: [Int32] = [-1, inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC))]
      let watches = PathWatches { answers.removeFirst() }
      let name = try UnitName("a.path")
      let reading = ServiceReading(try UnitFile(parsing: "[Path]\nPathChanged=\(directory.path)"), name: name)
      guard case .path(let path) = reading.kind else { throw UnitNameError.empty }
      #expect(throws: PathWatches.Problem.self) { try watches.watch(name, path.watches) }
      #expect(watches.take().isEmpty)
      try watches.watch(name, path.watches)
      try Self.write("\(directory.path)/new")
      #expect(watches.take() == [PathWatches.Event(unit: name, isChange: true)])
    }
  }

  @Test func `a path unit goes on when the node is another process`() async throws {
    try await withTestDirectory { directory in
      let state = directory.appendingPathComponent("s")
      let file = "\(directory.path)/wanted"
      try await SupervisionFixture.with(directory: state, stopsUnits: false) { units in
        try await units.load(["a.path": "[Path]\nPathExists=\(file)", "a.service": Self.sleeping])
        try await units.start("a.path")
        try await units.expect("a.path", "active/waiting")
      }
      try await SupervisionFixture.with(directory: state) { units in
        #expect(await units.words("a.path") == "active/waiting")
        try Self.write(file)
        try await units.expect("a.service", "active/running")
      }
    }
  }
}
