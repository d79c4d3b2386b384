// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import EtcdStore
import Foundation
import Logging
import TestKit
import Testing
import TextTemplates

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
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// Runs a body with a client of the engine, which is shut down however that ends.
  private func withEngine(
    _ body: (DockerEngineClient, _ docker: @Sendable ([String]) async throws -> Int32) async throws -> Void
  ) async throws {
    let socket = ProcessInfo.processInfo.environment["CORACLE_DOCKER_SOCKET"] ?? ""
    let engine = try DockerEngineClient(url: "unix://" + socket, logger: logger)
    let executor = DockerCommandExecutor(client: engine)
    let result: Result<Void, any Error>
    do {
      try await body(engine) { words in
        await executor.execute(try DockerCommandLine(parsing: words), for: DockerCaller()) { _ in }.exitCode
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await engine.shutdown()
    try result.get()
  }

  @Test(arguments: [false, true])
  func `a container's record comes when it starts and goes when it ends`(isInternal: Bool) async throws {
    try await withEngine { engine, docker in
      let name = "coracle-test-\(UInt32.random(in: 0..<(.max)))"
      let store = MemoryStore()
      var configuration = ServiceRecordTests.configuration
      configuration.isInternal = isInternal
      let registrator = ServiceRegistrator(configuration: configuration, engine: engine, store: store, logger: logger)
      let key = "/services/\(name)/core-01:\(name):80"
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try? await registrator.run() }
        for _ in 0..<2 {
          #expect(
            try await docker([
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
              "100",
            ]) == 0
          )
          let details = try await engine.inspect(name)
          let hostPort = try #require(details.publishedPorts.first?.bindings.first?.hostPort)
          let expected = isInternal ? "\(details.networks[0].ip):80" : "10.0.0.1:\(hostPort)"
          try await eventually("the record") { store.value(key) == expected }
          #expect(try await docker(["kill", name]) == 0)
          try await eventually("no record") { store.read("/services/\(name)") == nil }
          #expect(try await docker(["rm", "-f", name]) == 0)
        }
        group.cancelAll()
      }
    }
  }

  /// Images of the examples are busybox under other names (.ci/test).
  @Test func `each worked example leads to its records, and they go with the container`() async throws {
    try await withEngine { engine, docker in
      for (isInternal, keepsBound) in [(false, false), (true, false), (false, true)] {
        let examples = WorkedExample.all.filter {
          ($0.isInternal, $0.keepsBoundAddresses) == (isInternal, keepsBound)
        }
        let store = MemoryStore()
        let registrator = ServiceRegistrator(
          configuration: examples[0].configuration,
          engine: engine,
          store: store,
          logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try? await registrator.run() }
          for example in examples {
            let words = ["run", "-d", "--name", example.name] + example.flags + [example.image, "sleep", "100"]
            #expect(try await docker(words) == 0, "\(words)")
            let details = try await engine.inspect(example.name)
            let expected = example.records(ip: details.networks.first?.ip ?? "")
            await #expect(throws: Never.self, "\(example.testDescription): \(store.files(below: "/services"))") {
              try await eventually("the records") { store.files(below: "/services") == expected }
            }
            let differences = RecordAudit(machines: [(example.configuration, [details], [])])
              .differences(from: store.files(below: "/services"))
            #expect(differences.isEmpty)
            #expect(try await docker(["rm", "-f", example.name]) == 0)
            try await eventually("no records") { store.read("/services")?.nodes?.isEmpty ?? true }
          }
          group.cancelAll()
        }
      }
    }
  }

  @Test func `a container is announced when its health check passes and not when it fails`() async throws {
    try await withEngine { engine, docker in
      let name = "coracle-health-\(UInt32.random(in: 0..<(.max)))"
      let store = MemoryStore()
      let registrator = ServiceRegistrator(
        configuration: ServiceRecordTests.configuration,
        engine: engine,
        store: store,
        logger: logger
      )
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try? await registrator.run() }
        let health = ["--health-cmd", "test ! -e /tmp/ill", "--health-interval", "300ms", "--health-retries", "1"]
        let command = ["busybox", "sh", "-c", "trap 'touch /tmp/ill' USR1; while :; do sleep 0.1; done"]
        #expect(try await docker(["run", "-d", "--name", name, "-p", "80"] + health + command) == 0)
        try await eventually("healthy: a record") { !store.files(below: "/services").isEmpty }
        #expect(try await docker(["kill", "-s", "USR1", name]) == 0)
        try await eventually("unhealthy: none") { store.files(below: "/services").isEmpty }
        #expect(try await engine.inspect(name).containerState.isRunning)
        #expect(try await docker(["rm", "-f", name]) == 0)
        group.cancelAll()
      }
    }
  }

  @Test func `a template makes tags of what the engine says`() async throws {
    try await withEngine { engine, docker in
      let name = "coracle-tags-\(UInt32.random(in: 0..<(.max)))"
      let store = MemoryStore()
      var configuration = ServiceRecordTests.configuration
      configuration.format = .json
      configuration.tags = ["all"]
      configuration.tagTemplate = try TagTemplate(
        #"{{replace 1 "/" "" .Name}},{{mIndex "team" .Config.Labels}},{{strSlice .ID 0 4}},"#
          + #"{{matchFirstElement "^ZONE=" .Config.Env | splitIndex 1 "="}},{{.HostConfig.NetworkMode}}"#
      )
      let registrator = ServiceRegistrator(configuration: configuration, engine: engine, store: store, logger: logger)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try? await registrator.run() }
        let words = ["run", "-d", "--name", name, "-l", "team=core", "-e", "ZONE=eu", "-p", "80"]
        #expect(try await docker(words + ["busybox", "sleep", "100"]) == 0)
        let id = try await engine.inspect(name).id.rawValue.prefix(4)
        let wanted = #""tags":["all","\#(name)","core","\#(id)","eu","default"]"#
        try await eventually("the tags") {
          store.files(below: "/services-meta").values.contains { $0.contains(wanted) }
        }
        #expect(try await docker(["rm", "-f", name]) == 0)
        group.cancelAll()
      }
    }
  }

  @Test func `a container's process is seen without its engine`() async throws {
    try await withEngine { engine, docker in
      let name = "coracle-process-\(UInt32.random(in: 0..<(.max)))"
      #expect(try await docker(["run", "-d", "--name", name, "busybox", "sleep", "100"]) == 0)
      let source = EngineContainers(engine: engine)
      let id = try await engine.inspect(name).id
      let details = try #require(try await source.details(of: id))
      #expect(await source.processes(of: [details]) == [id: true])
      #expect(try await docker(["kill", name]) == 0)
      try await eventually("it is seen to be gone") { await source.processes(of: [details]) == [id: false] }
      #expect(try await docker(["rm", "-f", name]) == 0)
    }
  }
}
