// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import Synchronization
import TestKit
import Testing

@testable import DockerEngine

/// What real engines do rarely or only in other versions.
///
/// Specs: docker-driver.md §4, §6, §7.
@Suite(.timeLimit(.minutes(10))) struct FakeEngineTests {
  static let id = ContainerID("c1")

  static func inspect(running: Bool = false, exitCode: Int = 0, oomKilled: Bool = false) -> FakeAnswer {
    .json(
      """
      {"Id":"c1","Name":"/web","State":{"Status":"\(running ? "running" : "exited")","ExitCode":\(exitCode),
      "OOMKilled":\(oomKilled),"StartedAt":"2026-11-20T22:54:33.5Z"},"Config":{"Tty":false},"NetworkSettings":{}}
      """
    )
  }

  static func event(_ action: String, signal: String = "") -> String {
    let attributes = signal.isEmpty ? "{}" : #"{"signal":"\#(signal)"}"#
    return #"{"Type":"container","Action":"\#(action)","Actor":{"ID":"c1","Attributes":\#(attributes)},"timeNano":7}"#
      + "\n"
  }

  static func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return [stream, 0, 0, 0, 0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
  }

  func run(_ words: String..., client: DockerEngineClient) async throws -> (CommandResult, Collected) {
    let lines = Collected()
    let line = try DockerCommandLine(parsing: words)
    let result = await DockerCommandExecutor(client: client).execute(line, for: DockerCaller()) { lines.append($0) }
    return (result, lines)
  }

  @Test(arguments: [("1.41", "1.41"), ("1.99", "1.56"), ("1.24", "1.24"), (nil, "1.24")] as [(String?, String)])
  func `the newest version that both know is spoken`(engineVersion: String?, spoken: String) async throws {
    try await FakeEngine.with { engine, client in
      engine.speak(engineVersion)
      engine.on("POST /containers/c1/start", FakeAnswer(status: 204))
      try await client.start(Self.id)
      #expect(engine.requests.map(\.uri) == ["/_ping", "/v\(spoken)/containers/c1/start"])
      #expect(engine.requests.allSatisfy { $0.host != nil }, "an engine without Host answers 400")
    }
  }

  @Test func `an engine that is too old is refused by name`() async throws {
    try await FakeEngine.with { engine, client in
      engine.speak("1.12")
      let error = await #expect(throws: DockerEngineError.self) { try await client.start(Self.id) }
      #expect(error?.code == .refused)
      #expect(error?.message.contains("1.12") == true && error?.message.contains("1.24") == true)
    }
  }

  @Test func `a version that the engine refuses is negotiated anew`() async throws {
    try await FakeEngine.with { engine, client in
      engine.speak("1.54")
      let refusal = FakeAnswer.json(
        400,
        #"{"message":"client version 1.54 is too new. Maximum supported API version is 1.41"}"#
      )
      engine.on("POST /containers/c1/start", FakeAnswer(status: 304), refusal, FakeAnswer(status: 204))
      try await client.start(Self.id)
      engine.speak("1.41")
      try await client.start(Self.id)
      #expect(engine.requests.last?.uri == "/v1.41/containers/c1/start")
    }
  }

  @Test func `an engine that is not there is unreachable at once`() async throws {
    let client = try DockerEngineClient(url: "unix:///nonexistent/docker.sock", logger: Logger(label: "test"))
    let error = await #expect(throws: DockerEngineError.self) { try await client.ping() }
    #expect(error?.code == .unreachable)
    await client.shutdown()
    #expect(throws: DockerEngineError.self) { try DockerEngineClient(url: "ssh://x", logger: Logger(label: "test")) }
  }

  @Test(arguments: [
    (404, DockerEngineError.Code.notFound), (409, .conflict), (400, .refused), (500, .engineFailure),
  ])
  func `the engine's own words come through`(status: Int, code: DockerEngineError.Code) async throws {
    try await FakeEngine.with { engine, client in
      engine.on("POST /containers/c1/start", .json(status, #"{"message":"the reason\n"}"#))
      let error = await #expect(throws: DockerEngineError.self) { try await client.start(Self.id) }
      #expect(error?.code == code)
      #expect(error?.message == "start container c1: the reason")
    }
  }

  @Test func `a missing image is pulled, then the container is made again`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on(
        "POST /containers/create",
        .json(404, #"{"message":"No such image: a:1"}"#),
        .json(201, #"{"Id":"c1","Warnings":["slow"]}"#)
      )
      engine.on(
        "POST /images/create",
        .stream([
          "{\"status\":\"Pulling from a\",\"id\":\"1\"}\r\n{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1},\"id\":\"x\"}\n"
        ])
      )
      let (result, lines) = try await run("create", "--name", "web", "a:1", client: client)
      #expect(result.exitCode == 0)
      #expect(engine.calls == ["POST /containers/create", "POST /images/create", "POST /containers/create"])
      #expect(engine.requests.contains { $0.uri.hasSuffix("/images/create?fromImage=a&tag=1") })
      #expect(lines.texts == ["Unable to find image 'a:1' locally", "1: Pulling from a", "WARNING: slow", "c1"])
    }
  }

  @Test func `an error in the middle of a pull is the pull's`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on(
        "POST /images/create",
        .stream([
          #"{"status":"a"}"# + "\n", #"{"errorDetail":{"message":"manifest unknown"},"#,
          #""error":"manifest unknown"}"#,
        ])
      )
      engine.on("GET /images/a/b/json", .json("{}"))
      let (result, lines) = try await run("pull", "a/b", client: client)
      #expect(result.exitCode == 1)
      #expect(lines.texts.last == "docker: pull a/b: manifest unknown")
    }
  }

  @Test func `a pull names the caller to its registry`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("POST /images/create", .stream([#"{"status":"done"}"#]))
      let home = "/tmp/coracle-home-\(UInt32.random(in: 0..<(.max)))"
      try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: home) }
      let text = #"{"auths":{"r.example":{"auth":"dTpw"}}}"#
      try text.write(toFile: home + "/config.json", atomically: false, encoding: .utf8)
      for image in ["r.example/a", "other.example/a"] {
        let line = try DockerCommandLine(parsing: ["--config", home, "pull", image])
        _ = await DockerCommandExecutor(client: client).execute(line, for: DockerCaller()) { _ in }
      }
      let login = RegistryLogin(key: "r.example", user: "u", password: "p")
      #expect(engine.requests.compactMap(\.authorization) == [login.header, "e30="])
    }
  }

  @Test(arguments: [
    (#"Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host"#, 0),
    ("toomanyrequests: You have reached your pull rate limit", 0), ("pull access denied for a", 1),
  ])
  func `a local image serves when the registry gives no answer about it`(message: String, exitCode: Int32) async throws
  {
    try await FakeEngine.with { engine, client in
      engine.on("POST /images/create", .json(500, #"{"message":"\#(message)"}"#))
      let absent = try await run("pull", "a", client: client).0
      #expect(absent.exitCode == 1, "not there")
      engine.on("GET /images/a/json", .json("{}"))
      let (result, lines) = try await run("pull", "a", client: client)
      #expect(result.exitCode == exitCode)
      #expect(lines.all.contains { $0.stream == .standardError && $0.text.hasPrefix("Warning: ") } == (exitCode == 0))
    }
  }

  @Test func `waiting survives an engine that goes away`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on(
        "POST /containers/c1/wait",
        .stream([], .broken),
        .json(503, #"{"message":"starting"}"#),
        .stream([#"{"StatusCode":"#], .broken),
        .json(#"{"StatusCode":137}"#)
      )
      engine.on("GET /containers/c1/json", Self.inspect(exitCode: 137, oomKilled: true))
      engine.on("GET /events", .stream([Self.event("start"), Self.event("oom"), Self.event("die")], .open))
      let exit = try await client.wait(Self.id)
      #expect(exit == ContainerExit(exitCode: 137, oomKilled: true))
    }
  }

  @Test func `waiting for a container that is gone fails`() async throws {
    try await FakeEngine.with { engine, client in
      let error = await #expect(throws: DockerEngineError.self) { try await client.wait(Self.id) }
      #expect(error?.code == .notFound)
    }
  }

  @Test(arguments: [
    (["kill 15", "kill 9", "die", "stop"], true), (["kill 9", "die"], false), (["die"], false),
    (["stop", "die"], false), (["kill 15", "die", "stop", "start"], true),
  ])
  func `the order of events tells stop from kill`(events: [String], wasStopped: Bool) async throws {
    try await FakeEngine.with { engine, client in
      let lines = events.map { event in
        let parts = event.split(separator: " ").map(String.init)
        return Self.event(parts[0], signal: parts.count == 2 ? parts[1] : "")
      }
      engine.on("POST /containers/c1/wait", .json(#"{"StatusCode":0}"#))
      engine.on("GET /containers/c1/json", Self.inspect())
      engine.on("GET /events", .stream(lines, .open))
      let exit = try await client.wait(Self.id)
      #expect(exit.stoppedOnRequest == wasStopped)
      #expect(engine.requests.contains { $0.uri.contains("since=1795215273.500000000") })
    }
  }

  @Test func `what an engine that shuts down takes with it was not asked to stop`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("POST /containers/c1/wait", .json(#"{"StatusCode":0}"#))
      engine.on("GET /containers/c1/json", Self.inspect())
      // It goes on with the connections it has, and its socket is gone.
      engine.on("GET /events", .stream([Self.event("die"), Self.event("stop")], .open))
      _ = try await client.inspectState(Self.id)
      unlink(engine.path)
      let exit = try await client.wait(Self.id)
      #expect(exit.endedWithEngine && !exit.stoppedOnRequest)
      // Who has sent the signal does not ask.
      let asked = engine.requests.count
      #expect(try await client.wait(Self.id) { false } == ContainerExit(exitCode: 0))
      #expect(engine.requests.count == asked + 2)
    }
  }

  @Test(arguments: [("1.24", "1.24"), ("1.41", "1.41"), ("1.44", "1.44"), ("1.52", "1.52"), ("1.60", "1.56")])
  func `a container's life is the same with every version`(engineVersion: String, spoken: String) async throws {
    try await FakeEngine.with { engine, client in
      engine.speak(engineVersion)
      // Docker 29 refuses what is older than 1.44.
      let isNew = try #require(APIVersion(engineVersion)) >= APIVersion(major: 1, minor: 44)
      engine.minimum = isNew ? "1.44" : nil
      let settings =
        isNew
        ? #"{"Networks":{"bridge":{"IPAddress":"172.17.0.2","Gateway":"172.17.0.1","MacAddress":"02:42"}},"Ports":{}}"#
        : #"{"IPAddress":"172.17.0.2","Gateway":"172.17.0.1","MacAddress":"02:42","Ports":null,"Networks":{}}"#
      let inspected = FakeAnswer.json(
        #"{"Id":"c1","Name":"/web","State":{"Status":"exited","ExitCode":3,"StartedAt":"2026-11-20T22:54:33.5Z"},"#
          + #""Config":{"Tty":false},"NetworkSettings":\#(settings)}"#
      )
      engine.on("POST /containers/create", .json(201, #"{"Id":"c1","Warnings":\#(isNew ? "[]" : "null")}"#))
      engine.on("POST /containers/c1/start", FakeAnswer(status: 204))
      engine.on("POST /containers/c1/wait", .json(#"{"StatusCode":3,"Error":null}"#))
      engine.on("GET /containers/c1/logs", FakeAnswer(chunks: [Self.frame(1, "2026-11-20T22:54:33.6Z out\n")]))
      engine.on("GET /containers/c1/json", inspected)
      engine.on("GET /containers/web/json", inspected)
      engine.on("DELETE /containers/c1", FakeAnswer(status: 204))
      let old = #"{"status":"die","id":"c1","from":"busybox","Type":"container","Action":"die","timeNano":1}"#
      let new = #"{"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"3"}},"timeNano":1}"#
      engine.on("GET /events", .stream([(isNew ? new : old) + "\n"], .open))
      let words = ["run", "--rm", "--name", "web", "--mac-address", "02:42", "busybox"]
      let lines = Collected()
      let result = await DockerCommandExecutor(client: client)
        .execute(try DockerCommandLine(parsing: words), for: DockerCaller()) { lines.append($0) }
      #expect(result.exitCode == 3)
      #expect(lines.texts == ["out"])
      #expect(engine.requests.allSatisfy { $0.path == "/_ping" || $0.uri.hasPrefix("/v\(spoken)/") })
      let created = try #require(engine.requests.first { $0.path.hasSuffix("/create") })
      // Before 1.44 it stood in the container's own configuration too.
      #expect(created.body.components(separatedBy: "MacAddress").count == (isNew ? 2 : 3))
      let template = "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Gateway}} {{.NetworkSettings.MacAddress}}"
      let filled = try await run("inspect", "-f", template, "web", client: client).1
      #expect(filled.texts == ["172.17.0.2 172.17.0.1 02:42"])
    }
  }

  @Test func `Podman's socket does, with its words for an end and events that begin late`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("POST /containers/c1/wait", .json(#"{"StatusCode":0}"#))
      engine.on(
        "GET /containers/c1/json",
        .json(
          #"{"Id":"c1","Name":"web","State":{"Status":"stopped","ExitCode":0,"OOMKilled":false,"#
            + #""StartedAt":"2026-11-20T23:54:33.500000001+01:00"},"Config":{},"NetworkSettings":{"Networks":{}},"#
            + #""HostConfig":{"NetworkMode":"slirp4netns"}}"#
        )
      )
      let actor = #"{"ID":"c1","Attributes":{"containerExitCode":"0"}}"#
      let died = #"{"Type":"container","Action":"died","Actor":\#(actor),"timeNano":1}"#
      engine.on("GET /events", .stream([died + "\n"], .open))
      #expect(try await client.wait(Self.id) == ContainerExit(exitCode: 0))
      let event = try #require(EngineEvent(try JSONValue(parsing: died.utf8)))
      #expect(event.action == .die)
      let details = try await client.inspect("c1")
      #expect(details.containerState.status == .exited && details.name == "web")
      #expect(details.networkMode == "slirp4netns" && details.networks.isEmpty)
      // No header before the first event: whoever asks how a run ended is told nothing, and goes on.
      engine.on("GET /events", FakeAnswer(ending: .silent))
      #expect(try await client.wait(Self.id) == ContainerExit(exitCode: 0))
    }
  }

  @Test func `events of every shape are understood, and the stream is taken up where it broke`() async throws {
    try await FakeEngine.with { engine, client in
      let old = #"{"status":"start","id":"a","from":"busybox","time":5}"# + "\n"
      let new = #"{"Type":"container","Action":"die","Actor":{"ID":"b","Attributes":{}},"timeNano":6000000007}"# + "\n"
      let podman = #"{"Type":"container","Action":"died","Actor":{"ID":"c"},"timeNano":1}"# + "\n"
      let other = #"{"Type":"network","Action":"connect","Actor":{"ID":"n"}}"# + "\nrubbish\n"
      engine.on(
        "GET /events",
        .stream([old + String(new.prefix(20)), String(new.dropFirst(20)) + other, podman]),
        .stream([], .open)
      )
      let updates = Updates()
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await client.followEvents { updates.append($0) } }
        try? await eventually("the second connection") { updates.all.filter { $0 == .connected }.count == 2 }
        group.cancelAll()
      }
      #expect(
        updates.all == [
          .connected,
          .event(EngineEvent(action: .start, container: ContainerID("a"), timeNanoseconds: 5_000_000_000)),
          .event(EngineEvent(action: .die, container: ContainerID("b"), timeNanoseconds: 6_000_000_007)),
          .event(EngineEvent(action: .die, container: ContainerID("c"), timeNanoseconds: 1)),
          .disconnected(reason: "the engine ended the stream"), .connected,
        ]
      )
      #expect(engine.requests.last?.uri.contains("since=6.000000008") == true)
    }
  }

  @Test func `a log goes on behind the last line after a break`() async throws {
    try await FakeEngine.with { engine, client in
      let one = Self.frame(1, "2026-11-20T22:54:33.000000001Z one\n")
      let two = Self.frame(2, "2026-11-20T22:54:33.000000002Z two\n")
      let tail = Self.frame(1, "2026-11-20T22:54:33.000000003Z tail")
      engine.on("GET /containers/c1/json", Self.inspect(running: true), Self.inspect(running: true), Self.inspect())
      engine.on(
        "GET /containers/c1/logs",
        FakeAnswer(chunks: [Array(one.prefix(5)), Array(one.dropFirst(5))], ending: .broken),
        FakeAnswer(chunks: [one + two]),
        FakeAnswer(chunks: [two + tail])
      )
      let lines = Collected()
      try await client.followLogs(Self.id, since: nil) { lines.append($0) }
      #expect(lines.texts == ["one", "two", "tail"])
      #expect(lines.all.map(\.stream) == [.standardOutput, .standardError, .standardOutput])
      let sinces = engine.requests.filter { $0.path.hasSuffix("/logs") }.map {
        $0.uri.contains("since=1795215268.00000000")
      }
      #expect(sinces == [false, true, true])
    }
  }

  @Test func `a stop that fails becomes a kill`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("POST /containers/c1/stop", .json(500, #"{"message":"cannot stop"}"#))
      engine.on("POST /containers/c1/kill", FakeAnswer(status: 204))
      engine.on("GET /containers/c1/json", Self.inspect(running: true), Self.inspect())
      try await client.stop(Self.id, timeout: .milliseconds(1_500))
      #expect(
        engine.calls.prefix(3) == ["POST /containers/c1/stop", "GET /containers/c1/json", "POST /containers/c1/kill"]
      )
      #expect(engine.requests.contains { $0.uri.hasSuffix("/stop?t=2") })
    }
  }

  @Test func `a name that needs it is escaped in the path`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("POST /containers/a%2F..%2Fb/kill", FakeAnswer(status: 204))
      let killed = try await run("kill", "-s", "HUP", "a/../b", client: client).0
      #expect(killed.exitCode == 0)
      #expect(engine.requests.last?.uri.hasSuffix("/containers/a%2F..%2Fb/kill?signal=HUP") == true)
    }
  }

  @Test func `another engine than the machine's own is refused`() async throws {
    try await FakeEngine.with { engine, client in
      let (result, lines) = try await run("-H", "tcp://elsewhere:2375", "run", "busybox", client: client)
      #expect(result.exitCode == 125)
      #expect(lines.texts[0].contains("tcp://elsewhere:2375"))
      #expect(engine.requests.isEmpty)
    }
  }

  @Test func `inspect fills in what new engines left out`() async throws {
    try await FakeEngine.with { engine, client in
      let new = """
        {"Id":"c1","NetworkSettings":{"Ports":{},"Networks":{"bridge":{"IPAddress":"172.17.0.2","Gateway":"172.17.0.1"}}}}
        """
      engine.on("GET /containers/web/json", .json(new))
      let template = "{{ .NetworkSettings.IPAddress }} {{.NetworkSettings.Gateway}}"
      let filled = try await run("inspect", "-f", template, "web", client: client).1
      #expect(filled.texts == ["172.17.0.2 172.17.0.1"])
      let missing = try await run("inspect", "-f", "{{.Nope}}", "web", client: client)
      #expect(missing.0.exitCode == 1)
      #expect(missing.1.texts.last?.contains("map has no entry for key \"Nope\"") == true)
    }
  }
}

/// Updates in the order they came.
final class Updates: Sendable {
  private let updates = Mutex<[EngineEventUpdate]>([])

  func append(_ update: EngineEventUpdate) { updates.withLock { $0.append(update) } }

  var all: [EngineEventUpdate] { updates.withLock { $0 } }
}
