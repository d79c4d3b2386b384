// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

@testable import CloudInit

@Suite struct ChildRunTests {
  private final class Lines: Sendable {
    private let list = Mutex<[String]>([])
    func add(_ line: String) { list.withLock { $0.append(line) } }
    var all: [String] { list.withLock { $0 } }
  }

  private func run(_ script: String, stop: ChildStop = ChildStop(), lines: Lines) async throws -> ChildRun.End {
    try await OwnThread.run {
      let run = ChildRun(
        program: "/bin/sh",
        words: ["sh", "-c", script],
        environment: ChildRun.variables(["GREETING": "hello"])
      )
      return try run.run(stop) { lines.add($0) }
    }
  }

  @Test func `output and errors come line by line, with the status`() async throws {
    let lines = Lines()
    let end = try await run("echo $GREETING; echo two >&2; pwd; printf last; exit 3", lines: lines)
    #expect(end == .exited(3))
    #expect(lines.all == ["hello", "two", "/", "last"])
  }

  @Test func `an overlong line comes in pieces`() async throws {
    let lines = Lines()
    _ = try await run("head -c 20000 /dev/zero | tr '\\0' x; echo", lines: lines)
    #expect(lines.all.map(\.count) == [8_192, 8_192, 3_616])
  }

  @Test func `what a program leaves running keeps nobody waiting`() async throws {
    let lines = Lines()
    let end = try await run("sleep 600 & echo $!", lines: lines)
    #expect(end == .exited(0))
    let left = try #require(lines.all.first.flatMap { pid_t($0) })
    #expect(kill(left, 0) == 0 && !isZombie(left))
    kill(left, SIGKILL)
  }

  @Test func `a program that closes its output is waited for`() async throws {
    let lines = Lines()
    #expect(try await run("exec >&- 2>&-; sleep 0.2; exit 4", lines: lines) == .exited(4))
  }

  @Test func `a program is ended with all its children when this one ends`() async throws {
    let (lines, stop) = (Lines(), ChildStop())
    async let end = run("sleep 100 & echo $!; wait", stop: stop, lines: lines)
    try await eventually("it has begun") { !lines.all.isEmpty }
    stop.ask()
    #expect(try await end == .killed(SIGTERM))
    let left = try #require(lines.all.first.flatMap { pid_t($0) })
    try await eventually("the child is gone") { kill(left, 0) != 0 || isZombie(left) }
    #expect(try await run("sleep 100", stop: stop, lines: lines) == .killed(SIGTERM), "nothing begins after that")
  }

  /// Its parent is gone, and whoever has it now may not have collected it yet.
  private func isZombie(_ process: pid_t) -> Bool {
    let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    return text.split(separator: ")").last?.hasPrefix(" Z") ?? true
  }

  @Test func `a program that is not there is named`() {
    let run = ChildRun(program: "/none/here", words: ["x"], environment: [])
    #expect(throws: FileTree.Failure.self) { try run.run(ChildStop()) { _ in } }
  }
}
