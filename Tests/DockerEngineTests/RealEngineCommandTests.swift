// SPDX-License-Identifier: Apache-2.0
import Foundation
import Logging
import Testing

@testable import DockerEngine

/// Docker's own program, where there is one.
enum DockerProgram {
  static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/docker" }.first { access($0, X_OK) == 0 }
}

/// Docker's own program and ours, given the same command lines on the same engine.
@Suite(
  .serialized,
  .enabled(
    if: RealEngine.socket != nil && DockerProgram.path != nil,
    "SKIPPED: set CORACLE_DOCKER_SOCKET to the socket of a Docker Engine, and install docker's own program"
  ),
  .timeLimit(.minutes(2))
)
struct RealEngineCommandTests {
  /// Command lines in an order; `@` stands for a name of each side's own, `<` for what is typed.
  private static let lines = [
    // Errors of the words themselves.
    "run --nope x", "run -tX x", "stop", "frobnicate", "image frobnicate", "rename a", "ps x", "tag a", "exec x",
    "run --rm=maybe x", "run -p abc x", "run --name", "ps --nope", "cp a b", "run --rm --restart=always busybox",
    // A container's life.
    "create --name @ busybox /nonexistent", "start -a @", "rm @",
    "create --name @ busybox sh -c exit 3", "start @", "wait @", "start -a @", "rename @ @-b", "rename @-b @",
    "rm nosuch", "rm @", "kill nosuch", "stop nosuch", "start nosuch", "wait nosuch", "logs nosuch", "attach nosuch",
    "run --rm busybox echo a b",
    "run --rm busybox sh -c printf out; printf err >&2; exit 7",
    "run --rm busybox /nonexistent", "run --rm busybox /etc", "run --rm nosuch.invalid/image",
    "run --rm -i busybox cat < typed", "run --rm busybox cat < typed",
    "run -t --rm busybox sh -c tty; stty -a>/dev/null",
    "run -it --rm busybox true < typed", "run -a stderr --rm busybox sh -c echo out; echo err >&2",
    "run -d --name @ -p 80 -v /data -e A=1 busybox sh -c trap exit TERM; echo up; while sleep .1; do :; done",
    "run --name @ busybox true",
    // Work inside it.
    "exec @ echo hi", "exec @ sh -c exit 4", "exec @ /nonexistent", "exec -i @ cat < typed",
    "exec -e B=2 -w /tmp @ sh -c echo $A$B$PWD", "exec -d @ true", "exec -t @ tty", "exec -it @ true < typed",
    "exec nosuch true", "logs @", "logs --tail 0 @", "logs --since 2000-01-01 --until 2001-01-01 @",
    "exec @ touch /made-@", "diff @", "cp @:/etc/passwd -", "cp @:/nonexistent -", "cp nosuch:/etc -",
    "cp /etc/hostname @:/tmp/name", "exec @ cat /tmp/name", "cp /etc/hostname @:/tmp/", "exec @ ls /tmp",
    "cp /etc/hostname @:/nonexistent/x", "cp - @:/tmp < typed",
    "pause @", "pause @", "exec @ true", "unpause @", "update -m 64m --memory-swap -1 @", "update @",
    "commit -m words --pause=false @ @:one", "tag @:one @:two", "tag nosuch @:three", "rmi @:two", "rmi nosuch",
    "run --rm @:one echo one", "save -o /tmp/@.tar @:one", "rmi @:one", "load -i /tmp/@.tar", "load -q -i /tmp/@.tar",
    "import /tmp/@.tar @:imported", "rmi @:imported @:one", "rm @",
    // Networks and volumes.
    "network create --label a=b --internal @-net", "network create --subnet nonsense @-x", "network connect @-net @",
    "network rm @-net", "network disconnect @-net @", "network rm @-net nosuch", "volume create --label a=b @-vol",
    "volume rm @-vol", "volume rm nosuch", "volume rm -f nosuch",
    // Its end.
    "kill -s CONT @", "restart -t 0 @", "stop -t 5 @ nosuch", "wait @", "kill @", "start -a -i @ nosuch", "rm -v @",
  ]

  @Test func `both do the same, line by line`() async throws {
    try await RealEngine.with { engine in
      let tag = String(engine.name.suffix(8))
      let (theirs, ours) = ("t\(tag)", "o\(tag)")
      var differences: [String] = []
      for line in Self.lines {
        async let their = Self.program(line, theirs)
        async let our = Self.command(line, ours, engine)
        var (expected, found) = (try await their, await our)
        // The engine tells these in no order.
        if line.hasPrefix("diff ") {
          expected.sortLines()
          found.sortLines()
        }
        if expected != found { differences.append("\(line)\n  docker: \(expected)\n  here:   \(found)") }
      }
      for name in [theirs, ours] {
        _ = await engine.docker("rm", "-fv", name)
        _ = await engine.docker("network", "rm", "\(name)-net")
        unlink("/tmp/\(name).tar")
      }
      #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
  }

  /// What is compared: the exit status, standard output, and whether anything was said on standard error.
  struct Outcome: Equatable, Sendable {
    var exitCode: Int32
    var output: String
    var complains: Bool

    init(_ exitCode: Int32, _ output: String, _ errors: String, _ name: String) {
      self.exitCode = exitCode
      var text = output.replacingOccurrences(of: name, with: "@")
      for pattern in ["[0-9a-f]{64}", "[0-9a-f]{12}"] {
        text = text.replacingOccurrences(of: pattern, with: "ID", options: .regularExpression)
      }
      // An archive's bytes are those of the same file.
      self.output = String(text.prefix(600))
      complains = !errors.isEmpty
    }

    mutating func sortLines() {
      output = output.components(separatedBy: "\n").sorted().joined(separator: "\n")
    }
  }

  /// Splits at spaces; what follows `sh -c` is one word.
  static func words(_ line: String, _ name: String) -> (words: [String], input: String?) {
    let parts = line.components(separatedBy: " < ")
    var words = parts[0].replacingOccurrences(of: "@", with: name).components(separatedBy: " ")
    if let shell = words.firstIndex(of: "sh"), words.indices.contains(shell + 2) {
      words = Array(words[...(shell + 1)]) + [words[(shell + 2)...].joined(separator: " ")]
    }
    return (words, parts.count == 2 ? parts[1] : nil)
  }

  static func command(_ line: String, _ name: String, _ engine: RealEngine) async -> Outcome {
    let (words, input) = words(line, name)
    let console = BufferConsole(input: input.map { [$0] } ?? [])
    do throws(DockerCommandLineError) {
      let understood = try DockerCommandLine(parsing: words)
      let executor = DockerCommandExecutor(client: engine.client)
      let result = await executor.execute(understood, for: engine.caller, console: console)
      return Outcome(result.exitCode, console.output, console.errors, name)
    } catch {
      return Outcome(error.exitCode, "", "\(error)", name)
    }
  }

  static func program(_ line: String, _ name: String) async throws -> Outcome {
    let (words, input) = words(line, name)
    let process = Process()
    process.executableURL = URL(filePath: DockerProgram.path ?? "")
    process.arguments = words
    process.environment = [
      "DOCKER_HOST": "unix://" + (RealEngine.socket ?? ""), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent",
    ]
    let (output, errors, typed) = (Pipe(), Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = typed
    let ended = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    process.terminationHandler = { _ in ended.continuation.finish() }
    try process.run()
    if let input { typed.fileHandleForWriting.write(Data(input.utf8)) }
    try typed.fileHandleForWriting.close()
    // Both fit into a pipe.
    for await _ in ended.stream {}
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
    return Outcome(
      process.terminationStatus,
      String(decoding: text, as: UTF8.self),
      String(decoding: complaint, as: UTF8.self),
      name
    )
  }

  @Test func `a terminal is typed at, has a size, and can be left`() async throws {
    try await RealEngine.with { engine in
      let executor = DockerCommandExecutor(client: engine.client)
      let shell = BufferConsole(input: ["stty size; exit 5\n"], isTerminal: true)
      let line = try DockerCommandLine(parsing: ["run", "--rm", "-it", "busybox", "sh"])
      let ended = await executor.execute(line, for: engine.caller, console: shell)
      #expect(ended.exitCode == 5)
      #expect(shell.output.contains("33 77"))
      let left = BufferConsole(input: ["\u{10}", "\u{11}"], isTerminal: true)
      let run = try DockerCommandLine(parsing: ["run", "--name", engine.name, "-it", "busybox", "sh"])
      #expect(await executor.execute(run, for: engine.caller, console: left).exitCode == 0)
      #expect(try await engine.client.inspectState(ContainerID(engine.name)).isRunning)
      let again = BufferConsole(input: ["exit 6\n"], isTerminal: true)
      let attach = try DockerCommandLine(parsing: ["attach", engine.name])
      #expect(await executor.execute(attach, for: engine.caller, console: again).exitCode == 6)
    }
  }

  @Test func `a tree goes into a container and comes back`() async throws {
    try await RealEngine.with { engine in
      let directory = FileManager.default.temporaryDirectory.appending(path: engine.name).path
      try FileManager.default.createDirectory(atPath: directory + "/tree/deep", withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let contents = String(repeating: "x", count: 300_000)
      try contents.write(toFile: directory + "/tree/deep/file", atomically: false, encoding: .utf8)
      _ = await engine.docker("create", "--name", engine.name, "busybox", "true")
      #expect(await engine.docker("cp", directory + "/tree", engine.name + ":/tmp").exitCode == 0)
      #expect(await engine.docker("cp", directory + "/tree/.", engine.name + ":/fresh").exitCode == 0)
      for path in ["/tmp/tree", "/fresh"] {
        #expect(await engine.docker("cp", "\(engine.name):\(path)", directory + "/back").exitCode == 0)
        #expect(try String(contentsOfFile: directory + "/back/deep/file", encoding: .utf8) == contents)
        try FileManager.default.removeItem(atPath: directory + "/back")
      }
    }
  }
}
