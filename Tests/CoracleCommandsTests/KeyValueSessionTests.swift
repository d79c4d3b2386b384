// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import TestKit
import Testing

@testable import CoracleCommands

struct KeyValueSessionTests {
  private let keys = LocalKeys()
  private let record = RecordedOutput()

  private func run(_ action: KeyValueAction, _ format: KeyValueFormat = .simple) async -> Int32 {
    await KeyValueSession(keys: keys, format: format, output: record.output).run(action)
  }

  /// Waits until a watch stands.
  private func waitForWatcher() async {
    while keys.watcherCount == 0 { await Task.yield() }
  }

  @Test func `a key without its first slash is the same key`() async throws {
    #expect(await run(.set("a//b/", "1", ttl: 0, comparison: nil)) == 0)
    #expect(try await keys.get("/a/b").event.node.value == "1")
  }

  @Test func `a directory is refused by get and listed as json with its nodes`() async throws {
    try await keys.set("/d/k", "v")
    #expect(await run(.get(key: "/d", sorted: false, quorum: false)) == 1)
    #expect(record.error == "/d: is a directory\n")
    #expect(
      await run(.list(key: "/d", recursive: false, sorted: true, quorum: false, markDirectories: false), .json) == 0
    )
    #expect(
      record.out == """
        {"action":"get","node":{"key":"/d","dir":true,"value":"","nodes":[{"key":"/d/k","value":"v","nodes":null,\
        "createdIndex":1,"modifiedIndex":1}],"createdIndex":1,"modifiedIndex":1},"prevNode":null}

        """
    )
  }

  @Test func `a watch ends after one change and skips directories`() async throws {
    async let code = run(.watch(key: "/w", recursive: true, forever: false, afterIndex: 0))
    await waitForWatcher()
    _ = try await keys.perform(.write(key: "/w/d", .set(value: "", isDirectory: true, ttl: .permanent, refresh: false)))
    try await keys.set("/w/d/k", "v")
    #expect(await code == 0)
    #expect(record.out == "[set] /w/d/k\nv\n")
  }

  @Test func `a watch in the past begins behind its index`() async throws {
    for value in ["1", "2", "3"] { try await keys.set("/k", value) }
    #expect(await run(.watch(key: "/k", recursive: false, forever: false, afterIndex: 1)) == 0)
    #expect(record.out == "2\n")
    #expect(await run(.watch(key: "/k", recursive: false, forever: false, afterIndex: 1), .extended) == 0)
    let extended = "Key: /k\nCreated-Index: 2\nModified-Index: 2\nPrevNode.Value: 1\nTTL: 0\nIndex: 3\n\n2\n"
    #expect(record.out == "2\n" + extended)
  }

  @Test func `a watch for ever prints deletes and expiries as the original does`() async throws {
    try await keys.set("/k", "old")
    let session = KeyValueSession(keys: keys, format: .simple, output: record.output)
    let watching = Task { await session.run(.watch(key: "/k", recursive: false, forever: true, afterIndex: 0)) }
    await waitForWatcher()
    try await keys.set("/k", "new")
    try await keys.delete("/k")
    while !record.out.hasSuffix("PrevNode.Value: new\n") { await Task.yield() }
    #expect(record.out == "new\nPrevNode.Value: new\n")
    watching.cancel()
    #expect(await watching.value == 0)
  }

  @Test func `an index that is gone ends a watch with the server's error`() async throws {
    for _ in 0..<1_200 { try await keys.set("/k", "v") }
    #expect(await run(.watch(key: "/k", recursive: false, forever: true, afterIndex: 3)) == 4)
    let cause = "the requested history has been cleared [201/4]"
    #expect(record.error == "Error:  401: The event in requested index is outdated and cleared (\(cause)) [1200]\n")
  }

  @Test func `an unreachable cluster is told as the original does, each reason twice`() {
    let sentence = "client: etcd cluster is unavailable or misconfigured"
    let reasons = [
      "error #0: dial tcp 127.0.0.1:1: connect: refused", "error #1: dial tcp 127.0.0.1:2: connect: refused",
    ]
    record.output.reportFailure(EtcdError(.raftInternal, cause: ([sentence] + reasons).joined(separator: "\n")))
    let told = "\(sentence); \(reasons[0])\n; \(reasons[1])\n"
    #expect(record.error == "Error:  \(told)\n\(reasons[0])\n\(reasons[1])\n\n")
  }

  @Test func `each change runs the command with what has changed in its environment`() async throws {
    for value in ["1", "two words"] { try await keys.set("/k", value) }
    _ = try await keys.perform(.write(key: "/d", .set(value: "", isDirectory: true, ttl: .permanent, refresh: false)))
    try await keys.set("/end", "")
    try await withTestDirectory { directory in
      let file = directory.appendingPathComponent("seen").path
      let line = "echo $ETCD_WATCH_ACTION $ETCD_WATCH_MODIFIED_INDEX $ETCD_WATCH_KEY \\\"$ETCD_WATCH_VALUE\\\""
      let command = ["sh", "-c", "\(line) >>\(file)"]
      let session = KeyValueSession(keys: keys, format: .simple, output: record.output)
      let watch = KeyValueAction.execWatch(key: "/", recursive: true, afterIndex: 0, command: command)
      let running = Task { await session.run(watch) }
      await waitForWatcher()
      try await keys.set("/k", "two words")
      try await keys.delete("/k")
      _ = try await keys.perform(.write(key: "/e", .set(value: "", isDirectory: true, ttl: .permanent, refresh: false)))
      try await eventually("both have been seen") {
        let lines = (try? String(contentsOfFile: file, encoding: .utf8))?.split(separator: "\n").sorted() ?? []
        return lines == ["delete 6 /k \"\"", "set 5 /k \"two words\""] && record.error == "Ignored dir /e change\n"
      }
      running.cancel()
      #expect(await running.value == 0)
    }
  }

  @Test func `a command that cannot be run ends the watch`() async throws {
    try await keys.set("/k", "1")
    let watch = KeyValueAction.execWatch(key: "/k", recursive: false, afterIndex: 0, command: ["/nonexistent/x"])
    async let code = run(watch)
    await waitForWatcher()
    try await keys.set("/k", "2")
    #expect(await code == 1)
    #expect(record.error == "cannot run /nonexistent/x: No such file or directory\n")
  }
}

struct ClusterReportTests {
  private let member = ClusterMember(
    id: 0xDDD6_7B31,
    name: "n1",
    peerURLs: ["http://p:1"],
    clientURLs: ["http://a:1", "http://b:2"]
  )

  @Test func `members are listed with their leader, unstarted ones without a name`() {
    #expect(
      ClusterReport.line(for: member, leaderID: 0xDDD6_7B31)
        == "ddd67b31: name=n1 peerURLs=http://p:1 clientURLs=http://a:1,http://b:2 isLeader=true"
    )
    let unstarted = ClusterMember(id: 10, peerURLs: ["http://p:1", "http://p:2"])
    #expect(ClusterReport.line(for: unstarted, leaderID: nil) == "a[unstarted]: peerURLs=http://p:1,http://p:2")
  }

  @Test func `a member is healthy when one of its addresses says so`() async {
    let report = await ClusterReport.checkHealth(of: member) { url in
      url == "http://a:1" ? .failure(HealthCheckFailure(reason: "refused")) : .success(true)
    }
    #expect(report.isHealthy)
    #expect(
      report.lines == [
        "failed to check the health of member ddd67b31 on http://a:1: refused",
        "member ddd67b31 is healthy: got healthy result from http://b:2",
      ]
    )
  }

  @Test func `a member that says no, or nothing, is not healthy`() async {
    let sick = await ClusterReport.checkHealth(of: member) { _ in .success(false) }
    #expect(sick.lines == ["member ddd67b31 is unhealthy: got unhealthy result from http://a:1"])
    let gone = await ClusterReport.checkHealth(of: member) { _ in .failure(HealthCheckFailure(reason: "x")) }
    #expect(gone.lines.last == "member ddd67b31 is unreachable: [http://a:1 http://b:2] are all unreachable")
    #expect(!gone.isHealthy)
  }
}
