// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import DockerEngine

/// The listing verbs against an engine of a script: what they ask for, and what they print.
@Suite struct ListingVerbTests {
  private static func docker(
    _ client: DockerEngineClient,
    _ words: String...
  ) async -> (exitCode: Int32, output: [String], errors: [String]) {
    let lines = Collected()
    guard let line = try? DockerCommandLine(parsing: words) else { return (-1, [], []) }
    let result = await DockerCommandExecutor(client: client).execute(line, for: DockerCaller()) { lines.append($0) }
    func texts(_ stream: OutputStream) -> [String] { lines.all.filter { $0.stream == stream }.map(\.text) }
    return (result.exitCode, texts(.standardOutput), texts(.standardError))
  }

  private static let missing = FakeAnswer.json(404, #"{"message":"No such thing: x"}"#)

  @Test func `inspect looks for containers, images, networks and volumes in this order`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("GET /containers/x/json", Self.missing)
      engine.on("GET /images/x/json", Self.missing)
      engine.on("GET /networks/x", Self.missing)
      engine.on("GET /volumes/x", .json(#"{"Name":"x","Options":null}"#))
      let found = await Self.docker(client, "inspect", "-f", "{{.Name}} {{.Options}}", "x")
      #expect(found.exitCode == 0 && found.output == ["x map[]"])
      #expect(
        engine.calls
          == ["GET /containers/x/json", "GET /images/x/json", "GET /networks/x", "GET /volumes/x"]
      )
      engine.on("GET /volumes/x", Self.missing)
      let absent = await Self.docker(client, "inspect", "x")
      #expect(absent.exitCode == 1)
      #expect(absent.output == ["[]"])
      #expect(absent.errors == ["Error: No such object: x"])
    }
  }

  @Test func `inspect prints what is there, and tells what is not`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("GET /networks/a", .json(#"{"Name":"a","Labels":{}}"#))
      engine.on("GET /networks/x", Self.missing)
      let both = await Self.docker(client, "network", "inspect", "a", "x")
      #expect(both.exitCode == 1)
      #expect(both.output == ["[", "    {", "        \"Name\": \"a\",", "        \"Labels\": {}", "    }", "]"])
      #expect(both.errors.count == 1 && both.errors[0].contains("No such thing: x"))
      let json = await Self.docker(client, "network", "inspect", "-f", "json", "a")
      #expect(json.output == [#"[{"Name":"a","Labels":{}}]"#])
      let wrong = await Self.docker(client, "network", "inspect", "-f", "{{", "a")
      #expect(wrong.exitCode == 64 && wrong.output.isEmpty && wrong.errors.count == 1)
    }
  }

  @Test func `lists ask the engine for what they show`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("GET /containers/json", .json("[]"), .json("[]"), .json("[]"))
      engine.on("GET /images/json", .json("[]"))
      let header = ["CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES"]
      #expect(await Self.docker(client, "ps", "-a", "--filter", "name=w").output == header)
      #expect(await Self.docker(client, "ps", "--format", "{{.Size}}").output == [])
      #expect(await Self.docker(client, "ps", "-n", "3", "-q").output == [])
      #expect(await Self.docker(client, "images", "busy*", "-q").output == [])
      #expect(
        engine.requests.map(\.uri).filter { $0.contains("json") }.map { String($0.drop { $0 != "?" }) } == [
          "?all=1&filters=%7B%22name%22%3A%7B%22w%22%3Atrue%7D%7D", "?size=1", "?limit=3",
          "?filters=%7B%22reference%22%3A%7B%22busy%2A%22%3Atrue%7D%7D",
        ]
      )
    }
  }

  @Test func `port and top show one container`() async throws {
    try await FakeEngine.with { engine, client in
      let ports = """
        {"Id":"c1","NetworkSettings":{"Ports":{"9000/tcp":[{"HostIp":"::","HostPort":"9000"}],"53/udp":null,
        "80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}}}
        """
      engine.on("GET /containers/web/json", .json(ports), .json(ports), .json(ports))
      let top = #"{"Titles":["PID","COMMAND"],"Processes":[["17","sleep 9"]]}"#
      engine.on("GET /containers/web/top", .json(top))
      let all = await Self.docker(client, "port", "web").output
      #expect(all == ["80/tcp -> 0.0.0.0:8080", "9000/tcp -> [::]:9000"])
      #expect(await Self.docker(client, "port", "web", "80").output == ["0.0.0.0:8080"])
      let none = await Self.docker(client, "port", "web", "81")
      #expect(none.exitCode == 1 && none.errors == ["docker: No public port '81' published for web"])
      let processes = await Self.docker(client, "top", "web", "-o", "pid,args").output
      #expect(processes == ["PID                 COMMAND", "17                  sleep 9"])
    }
  }

  @Test func `version tells of both ends, and of this one alone when no engine answers`() async throws {
    try await FakeEngine.with { engine, client in
      engine.on("GET /version", .json(#"{"Version":"20.10","ApiVersion":"1.41"}"#))
      #expect(await Self.docker(client, "version", "-f", "{{.Server.Version}}").output == ["20.10"])
      engine.on("GET /version", .json(500, #"{"message":"broken"}"#))
      let broken = await Self.docker(client, "version")
      #expect(broken.exitCode == 1)
      #expect(broken.output.prefix(2) == ["Client:", " Version:           coracle"])
      #expect(broken.errors.count == 1)
    }
  }
}
