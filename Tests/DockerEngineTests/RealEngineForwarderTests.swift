// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import TestKit
import Testing

@testable import DockerEngine

/// docker's own program, which reaches a real engine over TCP through the forwarder.
@Suite(
  .serialized,
  .enabled(
    if: RealEngine.socket != nil && DockerProgram.path != nil,
    "SKIPPED: needs CORACLE_DOCKER_SOCKET and a docker program"
  ),
  .timeLimit(.minutes(1))
)
struct RealEngineForwarderTests {
  private func with(_ body: (_ docker: ([String], String?) async throws -> String) async throws -> Void) async throws {
    let forwarder = try EngineForwarder(
      to: "unix://" + (RealEngine.socket ?? ""),
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    let (listener, port) = try Wire.listenOnLoopback()
    try await forwarder.serve(.init(descriptor: listener, isTCP: true))
    let result: Result<Void, any Error>
    do {
      try await body { words, input in
        try await succeed(
          [DockerProgram.path ?? "", "-H", "tcp://127.0.0.1:\(port)"] + words,
          input: input,
          within: .seconds(30)
        )
      }
      try await eventually("no connection is left") { forwarder.connectionCount == 0 }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await forwarder.shutdown()
    try result.get()
  }

  @Test func `run and exec have their input, output and terminal`() async throws {
    try await with { docker in
      #expect(try await docker(["version", "--format", "{{.Server.Os}}"], nil) == "linux\n")
      let name = "forwarded-\(getpid())"
      // The end of what is typed is what ends cat.
      #expect(try await docker(["run", "-i", "--rm", "busybox", "cat"], "typed\n") == "typed\n")
      #expect(try await docker(["run", "-t", "--rm", "busybox", "tty"], nil).hasPrefix("/dev/"))
      _ = try await docker(["run", "-d", "--name", name, "busybox", "sleep", "1000"], nil)
      #expect(try await docker(["exec", "-i", name, "sh", "-c", "read a; echo got $a"], "words\n") == "got words\n")
      let much = String(repeating: "0123456789abcde\n", count: 1 << 17)
      #expect(try await docker(["exec", "-i", name, "cat"], much) == much)
      _ = try await docker(["rm", "-f", name], nil)
    }
  }
}
