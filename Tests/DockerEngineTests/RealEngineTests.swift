// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import Synchronization
import Testing

@testable import DockerEngine

/// Against a real engine that has the image `busybox`, made by `Tests/PeerTests/start-dockerd.sh`.
///
/// `CORACLE_DOCKER_SOCKET=/run/docker.sock swift test --filter RealEngine`
@Suite(
  .serialized,
  .enabled(
    if: RealEngine.socket != nil,
    "SKIPPED: set CORACLE_DOCKER_SOCKET to the socket of a Docker Engine (Tests/PeerTests/start-dockerd.sh)"
  ),
  .timeLimit(.minutes(10))
)
struct RealEngineSerialTests {
  @Test func `an engine tells its version`() async throws {
    try await RealEngine.with { engine in
      let version = try await engine.client.ping()
      #expect(version >= .oldest && version <= .newest)
    }
  }

  @Test func `run hands over output, exit code and nothing else`() async throws {
    try await RealEngine.with { engine in
      let script = "echo out; echo err >&2; printf tail; exit 3"
      let result = await engine.docker("run", "--rm", "--name", engine.name, "busybox", "sh", "-c", script)
      #expect(result.exitCode == 3)
      #expect(result.output == ["out", "tail"])
      #expect(result.errors == ["err"])
      #expect(await engine.docker("inspect", engine.name).exitCode == 1)
    }
  }

  @Test func `environment, labels and working directory reach the container`() async throws {
    try await RealEngine.with { engine in
      let result = await engine.docker(
        "run",
        "--rm",
        "-e",
        "A=1",
        "-eHERE",
        "-w",
        "/tmp",
        "-h",
        "box",
        "busybox",
        "sh",
        "-c",
        "echo $A $HERE $PWD $(hostname)"
      )
      #expect(result.output == ["1 caller /tmp box"])
    }
  }

  @Test func `a command that cannot be executed has docker's exit code`() async throws {
    try await RealEngine.with { engine in
      #expect(await engine.docker("run", "--rm", "busybox", "/nonexistent").exitCode == 127)
      #expect(await engine.docker("run", "--rm", "busybox", "/etc").exitCode == 126)
      #expect(await engine.docker("run", "--rm", "nosuchimage").exitCode == 125)
      #expect(await engine.docker("create", "--name", engine.name, "busybox", "true").exitCode == 0)
      let taken = await engine.docker("run", "--name", engine.name, "busybox", "true")
      #expect(taken.exitCode == 125)
      #expect(taken.errors.last?.contains("already in use") == true)
    }
  }

  @Test func `verbs on containers that are not there fail, but for rm -f`() async throws {
    try await RealEngine.with { engine in
      for verb in ["kill", "stop", "rm", "start", "inspect"] {
        let result = await engine.docker(verb, "nosuchcontainer")
        #expect(result.exitCode == 1, "\(verb)")
        #expect(result.errors.last?.contains("nosuchcontainer") == true, "\(verb): \(result.errors)")
      }
      #expect(await engine.docker("rm", "-f", "nosuchcontainer").exitCode == 0)
    }
  }

  @Test func `kill and stop are told apart, with any exit code`() async throws {
    try await RealEngine.with { engine in
      let deaf = ["sh", "-c", "trap '' TERM; echo set; while :; do sleep 0.1; done"]
      let polite = ["sh", "-c", "trap 'exit 0' TERM; echo set; while :; do sleep 0.1; done"]
      for (command, verb, expected) in [
        (deaf, ["kill"], ContainerExit(exitCode: 137)), (polite, ["kill", "-s", "TERM"], ContainerExit(exitCode: 0)),
        (deaf, ["stop", "-t", "1"], ContainerExit(exitCode: 137, stoppedOnRequest: true)),
        (polite, ["stop"], ContainerExit(exitCode: 0, stoppedOnRequest: true)),
        (["sh", "-c", "exit 7"], [], ContainerExit(exitCode: 7)),
      ] {
        let container = try await engine.begin(["run", "--name", engine.name, "busybox"] + command)
        try await engine.client.start(container.id)
        // Before it has set its trap, the first process of a container does not hear of TERM at all.
        if !verb.isEmpty { await engine.waitForLine(of: container.id) }
        async let exit = engine.client.wait(container.id)
        if !verb.isEmpty { #expect(await engine.docker(verb + [engine.name]).exitCode == 0) }
        #expect(try await exit == expected, "\(verb)")
        // Asked again, long after.
        #expect(try await engine.client.wait(container.id) == expected, "\(verb) again")
        #expect(await engine.docker("rm", engine.name).exitCode == 0)
      }
    }
  }

  @Test func `a log is taken up behind the last line seen`() async throws {
    try await RealEngine.with { engine in
      // It stops at the twentieth until it is told to go on.
      let script =
        "trap on=1 USR1; i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.02; "
        + "while [ $i = 20 -a -z \"$on\" ]; do sleep 0.02; done; done"
      let container = try await engine.begin(["run", "--name", engine.name, "busybox", "sh", "-c", script])
      try await engine.client.start(container.id)
      let lines = Collected()
      // The first reader goes away in the middle, as when our process dies.
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          try? await engine.client.followLogs(container.id, since: nil) { lines.append($0) }
        }
        while lines.all.count < 5 { try? await Task.sleep(for: .milliseconds(10)) }
        group.cancelAll()
      }
      #expect(lines.all.count <= 20)
      #expect(await engine.docker("kill", "-s", "USR1", engine.name).exitCode == 0)
      try await engine.client.followLogs(container.id, since: lines.cursor) { lines.append($0) }
      #expect(lines.texts == (0..<40).map(String.init))
    }
  }

  @Test func `start -a shows this run's output only`() async throws {
    try await RealEngine.with { engine in
      _ = await engine.docker("create", "--name", engine.name, "busybox", "sh", "-c", "echo once; exit 4")
      for _ in 0..<2 {
        let result = await engine.docker("start", "-a", engine.name)
        #expect(result.exitCode == 4)
        #expect(result.output == ["once"])
      }
    }
  }

  @Test func `the last line is not lost when a container ends`() async throws {
    try await RealEngine.with { engine in
      for round in 0..<20 {
        let result = await engine.docker(
          "run",
          "--rm",
          "--net",
          "none",
          "busybox",
          "sh",
          "-c",
          "echo out; printf tail; exit 3"
        )
        #expect(result.output == ["out", "tail"], "round \(round)")
      }
    }
  }

  @Test func `run -i finds its input at an end, as under a service manager`() async throws {
    try await RealEngine.with { engine in
      #expect(await engine.docker("run", "--rm", "-i", "busybox", "cat").exitCode == 0)
    }
  }

  @Test func `a terminal's output is one raw stream`() async throws {
    try await RealEngine.with { engine in
      let result = await engine.docker("run", "--rm", "-t", "busybox", "sh", "-c", "echo a; echo b >&2")
      #expect(result.output == ["a", "b"])
    }
  }

  @Test func `stop ends a process that ignores it, and one that has ended already`() async throws {
    try await RealEngine.with { engine in
      let script = "trap '' TERM; while :; do sleep 0.1; done"
      _ = await engine.docker("run", "-d", "--name", engine.name, "busybox", "sh", "-c", script)
      let id = ContainerID(engine.name)
      try await engine.client.stop(id, timeout: .seconds(1))
      #expect(try await engine.client.inspectState(id).isRunning == false)
      try await engine.client.stop(id, timeout: .seconds(1))
    }
  }

  @Test func `a cancelled run leaves no container behind`() async throws {
    try await RealEngine.with { engine in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { _ = await engine.docker("run", "--rm", "--name", engine.name, "busybox", "sleep", "1000") }
        while (try? await engine.client.inspectState(ContainerID(engine.name)))?.isRunning != true {
          try? await Task.sleep(for: .milliseconds(20))
        }
        group.cancelAll()
      }
      await #expect(throws: DockerEngineError.self) { try await engine.client.inspect(engine.name) }
    }
  }

  @Test func `an image that is there serves when the registry does not answer`() async throws {
    try await RealEngine.with { engine in
      let result = await engine.docker("pull", "busybox")
      #expect(result.exitCode == 0)
      #expect(result.output.first == "Using default tag: latest")
      #expect(await engine.docker("pull", "nosuchimage").exitCode == 1)
    }
  }

  @Test func `data containers, volumes-from and inspect work as in the haproxy units`() async throws {
    try await RealEngine.with { engine in
      let data = engine.name + "-dvc"
      #expect(await engine.docker("create", "-v", "/usr/local/etc/haproxy/", "--name", data, "busybox").exitCode == 0)
      let inspected = await engine.docker("inspect", data)
      #expect(inspected.exitCode == 0)
      #expect(inspected.output.first == "[" && inspected.output.contains { $0.contains("/usr/local/etc/haproxy") })
      let run = await engine.docker(
        "run",
        "--rm",
        "--volumes-from",
        data,
        "busybox",
        "ls",
        "-d",
        "/usr/local/etc/haproxy"
      )
      #expect(run.output == ["/usr/local/etc/haproxy"])
      #expect(
        await engine.docker("inspect", "-f", "{{.State.Running}} {{.Config.Image}}", data).output == ["false busybox"]
      )
      #expect(await engine.docker("rm", "-f", "-v", data).output == [data])
    }
  }

  @Test func `published ports, addresses and labels are read back`() async throws {
    try await RealEngine.with { engine in
      _ = await engine.docker(
        "run",
        "-d",
        "--name",
        engine.name,
        "-p",
        "8080",
        "--expose",
        "53/udp",
        "busybox",
        "sleep",
        "100"
      )
      let details = try await engine.client.inspect(engine.name)
      #expect(details.exposedPorts == [ContainerPort(53, "udp"), ContainerPort(8080)])
      let published = details.publishedPorts.filter { !$0.bindings.isEmpty }
      #expect(published.map(\.port) == [ContainerPort(8080)])
      let ip = await engine.docker("inspect", "-f", "{{ .NetworkSettings.IPAddress }}", engine.name).output
      #expect(details.networks.map(\.ip) == ip)
      #expect(details.labels["test"] == engine.name)
      let listed = try await engine.client.listContainers(all: true, labels: ["test": engine.name])
      #expect(listed.map(\.name) == [engine.name] && listed[0].isRunning)
    }
  }

  @Test func `events tell a container's life`() async throws {
    try await RealEngine.with { engine in
      let actions = Actions()
      await withTaskGroup(of: Void.self) { group in
        let connected = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
        group.addTask {
          await engine.client.followEvents { update in
            switch update {
            case .connected: connected.continuation.yield()
            case .event(let event): actions.append(event.action)
            case .disconnected: break
            }
          }
        }
        for await _ in connected.stream { break }
        _ = await engine.docker("run", "--rm", "busybox", "true")
        while !actions.all.contains(.destroy) { try? await Task.sleep(for: .milliseconds(10)) }
        group.cancelAll()
      }
      let seen = actions.all.filter { [.start, .die, .destroy].contains($0) }
      #expect(seen == [.start, .die, .destroy])
    }
  }

  @Test func `forty containers are followed at the same time`() async throws {
    try await RealEngine.with { engine in
      let names = (0..<40).map { "\(engine.name)-\($0)" }
      await withTaskGroup(of: (Int32, [String]).self) { group in
        for name in names {
          group.addTask {
            let result = await engine.docker(
              "run",
              "--rm",
              "--name",
              name,
              "--net",
              "none",
              "busybox",
              "sh",
              "-c",
              "sleep 3; echo \(name)"
            )
            return (result.exitCode, result.output)
          }
        }
        var outputs: [String] = []
        for await (exitCode, output) in group {
          #expect(exitCode == 0)
          outputs += output
        }
        #expect(outputs.sorted() == names.sorted())
      }
    }
  }
}

/// Lines in the order they came.
final class Collected: Sendable {
  private let lines = Mutex<[OutputLine]>([])

  func append(_ line: OutputLine) { lines.withLock { $0.append(line) } }

  var all: [OutputLine] { lines.withLock { $0 } }
  var texts: [String] { all.map(\.text) }

  /// Behind all of them.
  var cursor: LogCursor {
    all.reduce(into: LogCursor()) { cursor, line in cursor.pass(line) }
  }
}

/// Actions of events in the order they came.
final class Actions: Sendable {
  private let actions = Mutex<[EngineEvent.Action]>([])

  func append(_ action: EngineEvent.Action) { actions.withLock { $0.append(action) } }

  var all: [EngineEvent.Action] { actions.withLock { $0 } }
}

/// A client of an engine with a name of its own for each test, cleaned up behind it.
struct RealEngine: Sendable {
  static let socket = ProcessInfo.processInfo.environment["CORACLE_DOCKER_SOCKET"]

  let client: DockerEngineClient
  let name: String

  struct Outcome: Sendable {
    var exitCode: Int32
    var output: [String]
    var errors: [String]
  }

  static func with(_ body: (RealEngine) async throws -> Void) async throws {
    let client = try DockerEngineClient(url: "unix://" + (socket ?? ""), logger: Logger(label: "test"))
    let name = "coracle-test-\(UInt32.random(in: 0..<(.max)))"
    let engine = RealEngine(client: client, name: name)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(engine))
    } catch {
      result = .failure(error)
    }
    for container in try await client.listContainers(all: true, labels: ["test": name]) {
      try await client.remove(container.id, force: true, volumes: true)
    }
    await client.shutdown()
    try result.get()
  }

  var caller: DockerCaller { DockerCaller(environment: ["HERE": "caller"], labels: ["test": name]) }

  func docker(_ words: String...) async -> Outcome { await docker(words) }

  func docker(_ words: [String]) async -> Outcome {
    guard let line = try? DockerCommandLine(parsing: words) else {
      return Outcome(exitCode: -1, output: [], errors: [])
    }
    let lines = Collected()
    let result = await DockerCommandExecutor(client: client).execute(line, for: caller) { lines.append($0) }
    return Outcome(
      exitCode: result.exitCode,
      output: lines.all.filter { $0.stream == .standardOutput }.map(\.text),
      errors: lines.all.filter { $0.stream == .standardError }.map(\.text)
    )
  }

  /// Waits until a container has said something.
  func waitForLine(of container: ContainerID) async {
    await withTaskGroup(of: Void.self) { group in
      let said = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
      group.addTask { try? await client.followLogs(container, since: nil) { _ in said.continuation.yield() } }
      for await _ in said.stream { break }
      group.cancelAll()
    }
  }

  func begin(_ words: [String]) async throws -> ForegroundContainer {
    try await DockerCommandExecutor(client: client).begin(try DockerCommandLine(parsing: words), for: caller) { _ in }
  }
}
