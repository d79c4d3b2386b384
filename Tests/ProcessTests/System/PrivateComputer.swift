// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit

/// A computer of its own for one test: fresh `/etc`, `/home`, `/run`, `/srv`, `/var`, a host name, a network and
/// processes of its own, so that what is changed there is seen nowhere else.
struct PrivateComputer {
  private let directory: URL

  /// Makes a computer that goes with the test.
  static func with<Value>(_ body: (PrivateComputer) async throws -> Value) async throws -> Value {
    try await withTestDirectory { directory in
      let computer = PrivateComputer(directory: directory)
      try FileManager.default.createDirectory(at: computer.given, withIntermediateDirectories: true)
      return try await body(computer)
    }
  }

  /// `/given` of the computer.
  private var given: URL { directory.appendingPathComponent("given") }

  /// Puts a file into `/given`.
  func give(_ name: String, _ text: String) throws {
    try text.write(to: given.appendingPathComponent(name), atomically: true, encoding: .utf8)
  }

  /// Runs a shell script on the computer, which is new each time; `coracle` is a function there that runs the built program.
  func run(_ script: String) async throws -> CommandOutput {
    let begin = "coracle() { /given/coracle \"$@\"; }\n"
    return try await TestKit.run(
      [
        "unshare", "--mount", "--uts", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private",
        "sh", testFile("Programs/private-computer.sh"), directory.path, BuiltProgram.coracle.path, "sh", "-c",
        begin + script,
      ],
      directory: directory,
      within: .seconds(60)
    )
  }
}
