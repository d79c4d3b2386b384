// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import UnitRunner

@Suite struct HostLauncherTests {
  @Test func `a unit-host that is lost before it answers has a successor`() async throws {
    try await withTestDirectory { directory in
      let mark = directory.appendingPathComponent("first").path
      let program = directory.appendingPathComponent("host").path
      // The first is gone at once, as one that somebody kills.
      let script =
        "#!/bin/sh\nif [ ! -e \(mark) ]; then : >\(mark); exit 0; fi\nexec \(BuiltProgram.coracle.path) \"$@\"\n"
      try script.write(toFile: program, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
      let configuration = UnitSupervisionConfiguration(stateDirectory: directory.path, machineID: "m")
      _ = try HostLauncher(configuration: configuration, executable: program).connect()
      #expect(FileManager.default.fileExists(atPath: mark))
    }
  }
}
