// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Foundation
import Logging
import TestKit
import Testing

@testable import Registrator

/// Against a real engine that has the image `busybox`, as in DockerEngineTests.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment["CORACLE_DOCKER_SOCKET"] != nil,
    "SKIPPED: set CORACLE_DOCKER_SOCKET to the socket of a Docker Engine (Tests/PeerTests/start-dockerd.sh)"
  ),
  .timeLimit(.minutes(10))
)
struct RegistratorRealEngineSerialTests {
  @Test(arguments: [false, true])
  func `a container's record comes when it starts and goes when it ends`(isInternal: Bool) async throws {
    let socket = ProcessInfo.processInfo.environment["CORACLE_DOCKER_SOCKET"] ?? ""
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let engine = try DockerEngineClient(url: "unix://" + socket, logger: logger)
    let name = "coracle-test-\(UInt32.random(in: 0..<(.max)))"
    let store = MemoryStore()
    var configuration = ServiceRecordTests.configuration
    configuration.isInternal = isInternal
    let registrator = ServiceRegistrator(configuration: configuration, engine: engine, store: store, logger: logger)
    let executor = DockerCommandExecutor(client: engine)
    func docker(_ words: String...) async throws -> Int32 {
      await executor.execute(try DockerCommandLine(parsing: words), for: DockerCaller()) { _ in }.exitCode
    }
    let key = "/services/\(name)/core-01:\(name):80"
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try? await registrator.run() }
      for _ in 0..<2 {
        #expect(
          try await docker(
            "run",
            "-d",
            "--name",
            name,
            "-e",
            "SERVICE_NAME=\(name)",
            "-p",
            "80",
            "busybox",
            "sleep",
            "100"
          ) == 0
        )
        let details = try await engine.inspect(name)
        let hostPort = try #require(details.publishedPorts.first?.bindings.first?.hostPort)
        let expected = isInternal ? "\(details.networks[0].ip):80" : "10.0.0.1:\(hostPort)"
        try await eventually("the record") { store.value(key) == expected }
        #expect(try await docker("kill", name) == 0)
        try await eventually("no record") { store.read("/services/\(name)") == nil }
        #expect(try await docker("rm", "-f", name) == 0)
      }
      group.cancelAll()
    }
    await engine.shutdown()
  }
}
