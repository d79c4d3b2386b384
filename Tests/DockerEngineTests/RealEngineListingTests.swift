// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import DockerEngine

/// Our lists beside those of docker's own program, on the same engine.
@Suite(
  .serialized,
  .enabled(
    if: RealEngine.socket != nil && DockerProgram.path != nil,
    "SKIPPED: needs CORACLE_DOCKER_SOCKET and a docker program"
  ),
  .timeLimit(.minutes(1))
)
struct RealEngineListingSerialTests {
  /// What changes from one call to the next.
  private static func settled(_ text: String) -> String {
    text.replacing(#/(About an? |Less than a |\d+ )(second|minute|hour)s?( ago)?/#, with: "TIME")
      .replacing(#/ +/#, with: " ")
  }

  /// Both programs' output and exit codes for one command line.
  private static func compare(_ words: [String], sorted: Bool = false, from first: String? = nil) async throws {
    try await RealEngine.with { engine in
      let theirs = try await run(
        [DockerProgram.path ?? ""] + words,
        environment: ["DOCKER_HOST": "unix://" + (RealEngine.socket ?? "")],
        within: .seconds(20)
      )
      let ours = await engine.docker(words)
      func lines(_ text: String) -> [String] {
        var lines = settled(text).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let first, let index = lines.firstIndex(of: first) { lines = Array(lines[index...]) }
        // docker's program prints these in any order.
        lines.removeAll { $0.hasPrefix(" Runtimes:") }
        return sorted ? lines.sorted() : lines
      }
      let printed = ours.output.map { $0 + "\n" }.joined()
      #expect(lines(printed) == lines(theirs.output), "docker \(words.joined(separator: " "))")
      #expect((ours.exitCode == 0) == (theirs.status == 0), "docker \(words.joined(separator: " ")): \(ours.errors)")
    }
  }

  /// Runs a body with a container that has ports, labels and a volume, one that has ended and a network.
  private static func withThings(_ body: (String) async throws -> Void) async throws {
    try await RealEngine.with { engine in
      let name = engine.name
      let socket = ["DOCKER_HOST": "unix://" + (RealEngine.socket ?? "")]
      func docker(_ words: String...) async throws {
        _ = try await succeed([DockerProgram.path ?? ""] + words, environment: socket, within: .seconds(30))
      }
      try await docker("network", "create", "--label", "test=\(name)", name)
      try await docker(
        "run",
        "-d",
        "--name",
        name,
        "--label",
        "test=\(name)",
        "--label",
        "a=b",
        "-p",
        "18080:80",
        "-p",
        "19000-19002:19000-19002",
        "-v",
        "\(name):/data",
        "--network",
        name,
        "busybox",
        "sleep",
        "1000"
      )
      try await docker("create", "--name", "\(name)-made", "--label", "test=\(name)", "busybox", "sh", "-c", "exit 3")
      let result: Result<Void, any Error>
      do { result = .success(try await body(name)) } catch { result = .failure(error) }
      try await docker("rm", "-f", name, "\(name)-made")
      try await docker("network", "rm", name)
      try await docker("volume", "rm", name)
      try result.get()
    }
  }

  @Test func `lists are those of docker's program`() async throws {
    try await Self.withThings { name in
      let own = ["--filter", "label=test=\(name)"]
      for options in [
        [], ["-a"], ["-aq"], ["-a", "--no-trunc"], ["-as"], ["-a", "--format", "json"],
        ["-a", "--format", "table {{.Names}}\\t{{.Label \"a\"}}\\t{{.Ports}}\\t{{.Mounts}}\\t{{.Networks}}"],
        ["--format", "{{.ID}} {{.Names | upper}} {{.CreatedAt}} {{json .Labels}}"], ["--format", "{{.Nope}}"],
      ] {
        try await Self.compare(["ps"] + options + own)
      }
      for options in [[], ["-q"], ["--digests"], ["--no-trunc"], ["--format", "json"], ["nosuchimage"]] {
        try await Self.compare(["images"] + options, sorted: true)
      }
      for words in [
        ["history", "busybox"], ["history", "--human=false", "busybox"], ["network", "ls"],
        ["network", "ls", "--format", "json"], ["network", "ls", "-q", "--no-trunc"], ["volume", "ls"],
        ["volume", "ls", "--format", "json"], ["port", name], ["port", name, "80"], ["port", name, "81"],
        ["top", name, "-o", "pid,args"], ["top", "\(name)-made"], ["info", "-f", "{{.Name}} {{.Containers}}"],
        ["version", "-f", "{{.Server.Version}}"],
      ] {
        try await Self.compare(words)
      }
      try await Self.compare(["version"], from: "Server:")
      try await Self.compare(["info"], from: "Server:")
    }
  }

  @Test func `inspect is that of docker's program`() async throws {
    try await Self.withThings { name in
      for words in [
        [name], ["busybox"], [name, "nosuch"], ["nosuch"], ["--type", "network", name], ["--type", "volume", name],
        ["--type", "image", "nosuch"], ["-f", "{{.State.Nope}}", name], ["-f", "{{.", name],
        ["-f", "{{.Name}} {{.State}} {{.Mounts}} {{.HostConfig.PortBindings}}", name],
        ["-f", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}}{{end}}", name],
        ["-f", "{{with .State.Health}}x{{end}}{{json .NetworkSettings.Ports}} {{index .Config.Labels \"a\"}}", name],
        ["-f", "{{.ID}} {{.RepoTags}} {{.Config.Cmd}} {{.Config.Labels}}", "busybox"],
      ] {
        try await Self.compare(["inspect"] + words)
      }
    }
  }
}
