// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import TestKit
import Testing

@testable import CoracleCommands

/// `coracle kv export` and `import`.
struct TreeTransferTests {
  private let keys = LocalKeys()
  private let record = RecordedOutput()

  private func export(_ key: String = "/", hidden: [String] = []) async -> Int32 {
    await TreeExport(keys: keys, output: record.output).run(key, hidden: hidden)
  }

  private func load(_ text: String, into keys: LocalKeys, _ record: RecordedOutput) async -> Int32 {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    return await TreeImport(keys: keys, output: record.output)
      .run { () throws(CommandFailure) in lines.popFirst().map { Array($0.utf8) } }
  }

  private func makeDirectory(_ key: String, ttl: TTLChange = .permanent) async throws {
    _ = try await keys.perform(.write(key: key, .set(value: "", isDirectory: true, ttl: ttl, refresh: false)))
  }

  private func fill() async throws {
    try await keys.set("/a", "1\n\"ü\"")
    try await keys.set("/d/e/f", "2", ttl: .seconds(100))
    try await keys.set("/d/b", "")
    try await makeDirectory("/empty", ttl: .seconds(50))
    try await keys.set("/_hidden/k", "3")
  }

  @Test func `a tree is exported a directory at a time, directories before what is in them`() async throws {
    try await fill()
    #expect(await export(hidden: ["/_hidden"]) == 0)
    #expect(
      record.out == #"""
        {"coracle":"tree","version":1,"key":"/","etcdIndex":5}
        {"key":"/a","value":"1\n\"ü\""}
        {"key":"/d","dir":true}
        {"key":"/empty","dir":true,"ttl":50}
        {"key":"/d/b","value":""}
        {"key":"/d/e","dir":true}
        {"key":"/d/e/f","value":"2","ttl":100}
        {"key":"/_hidden","dir":true}
        {"key":"/_hidden/k","value":"3"}
        {"end":true,"keys":4,"directories":4}

        """#
    )
  }

  @Test func `what was exported is imported as it was`() async throws {
    try await fill()
    #expect(await export(hidden: ["/_hidden"]) == 0)
    let (copy, told) = (LocalKeys(), RecordedOutput())
    #expect(await load(record.out, into: copy, told) == 0)
    #expect(told.error == "imported 4 keys and 4 directories\n")
    let again = RecordedOutput()
    #expect(await TreeExport(keys: copy, output: again.output).run("/", hidden: ["/_hidden"]) == 0)
    let isHeader = { (line: Substring) in line.contains("coracle") }
    #expect(
      again.out.split(separator: "\n").drop(while: isHeader) == record.out.split(separator: "\n").drop(while: isHeader)
    )
    // Once more, over what is there.
    #expect(await load(record.out, into: copy, told) == 0)
  }

  @Test func `a file and a subtree can be exported too`() async throws {
    try await fill()
    #expect(await export("/d/e") == 0)
    #expect(record.out.split(separator: "\n").dropFirst().first == #"{"key":"/d/e","dir":true}"#)
    let file = RecordedOutput()
    #expect(await TreeExport(keys: keys, output: file.output).run("/a", hidden: []) == 0)
    #expect(
      file.out.hasSuffix("{\"key\":\"/a\",\"value\":\"1\\n\\\"ü\\\"\"}\n{\"end\":true,\"keys\":1,\"directories\":0}\n")
    )
    #expect(await export("/nope") == 4)
  }

  @Test(arguments: [
    (#"{"key":"/a","value":"1"}"# + "\nnonsense", 1, "Error:  line 2: it is no JSON"),
    (#"{"key":"a","value":"1"}"#, 1, "Error:  line 1: it has no \"key\" that begins with a slash"),
    (#"{"key":"/a"}"#, 1, "Error:  line 1: it has neither \"value\" nor \"dir\""),
    (#"{"key":"/a","value":"1","ttl":"x"}"#, 1, "Error:  line 1: its \"ttl\" is no number of seconds"),
    (#"{"coracle":"tree","version":2}"#, 1, "Error:  line 1: it is of another version"),
    (
      #"{"coracle":"tree","version":1}"# + "\n" + #"{"key":"/a","value":"1"}"#, 1,
      "Error:  the export is cut off behind line 2"
    ),
    (#"{"end":true,"keys":1,"directories":0}"#, 1, "Error:  line 1: it counts 1 keys and 0 directories"),
    (
      #"{"end":true,"keys":0,"directories":0}"# + "\n" + #"{"key":"/a","value":"1"}"#, 1,
      "Error:  line 2: it stands behind"
    ),
    (#"{"key":"/d","value":"1"}"#, 4, "Error:  line 1 was not imported\nError:  102: Not a file (/d)"),
  ])
  func `a line that cannot be imported ends the import`(text: String, code: Int32, message: String) async throws {
    try await makeDirectory("/d")
    #expect(await load(text, into: keys, record) == code)
    #expect(record.error.hasPrefix(message), "\(record.error)")
  }

  @Test func `lines made by hand need neither first nor last`() async throws {
    let text = "{\"key\":\"/d\",\"dir\":true}\n\n{\"value\":\"v\",\"key\":\"/d//k/\"}\n"
    #expect(await load(text, into: keys, record) == 0)
    #expect(try await keys.get("/d/k").event.node.value == "v")
  }
}

/// `etcdctl import` of snapshots of etcd 0.4.
struct LegacySnapshotTests {
  private static let store = #"""
    {"Root":{"Path":"/","CreatedIndex":0,"ModifiedIndex":0,"ExpireTime":"0001-01-01T00:00:00Z","ACL":"","Value":"",
    "Children":{"b":{"Path":"/b","ExpireTime":"0001-01-01T00:00:00Z","Value":"2","Children":null},
    "a":{"Path":"/a","ExpireTime":"2026-11-27T00:10:00Z","Value":"1","Children":null},
    "gone":{"Path":"/gone","ExpireTime":"2026-11-26T00:00:00Z","Value":"g","Children":null},
    "_h":{"Path":"/_h","ExpireTime":"0001-01-01T00:00:00Z","Children":{
    "k":{"Path":"/_h/k","ExpireTime":"0001-01-01T00:00:00Z","Value":"3","Children":null}}},
    "d":{"Path":"/d","ExpireTime":"0001-01-01T00:00:00Z","Children":{}}}},"CurrentIndex":9,"CurrentVersion":2}
    """#
  /// 2026-11-27T00:00:00Z.
  private static let now: Int64 = 1_795_737_600_000

  @Test func `the files are found in the order of their keys, hidden ones when they are named`() throws {
    let snapshot = try LegacySnapshot(Array(Self.store.utf8), nowEpochMilliseconds: Self.now)
    var entered: [String] = []
    let files = snapshot.files(below: "/") { entered.append($0) }
    #expect(
      files == [
        .init(key: "/a", value: "1", ttlSeconds: 600), .init(key: "/b", value: "2", ttlSeconds: 0),
        .init(key: "/gone", value: "g", ttlSeconds: 1),
      ]
    )
    #expect(entered == ["/", "/d"])
    #expect(snapshot.files(below: "/_h") { _ in } == [.init(key: "/_h/k", value: "3", ttlSeconds: 0)])
    #expect(snapshot.files(below: "/nope") { _ in } == [])
  }

  @Test func `a snapshot as the server keeps it has a checksum and its state in base64`() throws {
    // printf '{"Root":{"Children":{"k":{"Value":"v","Children":null}}}}' | base64
    let state = "eyJSb290Ijp7IkNoaWxkcmVuIjp7ImsiOnsiVmFsdWUiOiJ2IiwiQ2hpbGRyZW4iOm51bGx9fX19"
    let document = #"{"lastIndex":9,"lastTerm":1,"peers":[],"state":"\#(state)","path":"/x"}"#
    let kept = try LegacySnapshot(Array("d6404e85\n\(document)".utf8))
    #expect(kept.files(below: "/") { _ in } == [.init(key: "/k", value: "v", ttlSeconds: 0)])
    #expect(throws: CommandFailure("its checksum does not fit")) {
      try LegacySnapshot(Array("d6404e84\n\(document)".utf8))
    }
  }

  @Test(arguments: ["", "{}", "not json", #"{"Root":{"Value":"x"}}"#])
  func `what is no snapshot is refused`(text: String) {
    #expect(throws: CommandFailure.self) { try LegacySnapshot(Array(text.utf8)) }
  }

  @Test func `an import writes every file and lets short lives be longer`() async throws {
    try await withTestDirectory { directory in
      let file = directory.appendingPathComponent("snap")
      try Self.store.write(to: file, atomically: true, encoding: .utf8)
      let (keys, record) = (LocalKeys(), RecordedOutput())
      let flags = try EtcdctlFlags(
        ["--snap", file.path, "--hidden", "_h", "-c", "2"],
        of: #require(EtcdctlTopic.program["import"])
      )
      #expect(try await SnapshotImport(flags).run(keys, record.output) == 0)
      #expect(
        record.out == "starting to import snapshot \(file.path) with 2 clients\nfinished importing 4 keys\n"
      )
      #expect(record.error.contains(" extending key /gone's ttl to 300 seconds\n"))
      #expect(try await keys.get("/gone").event.node.ttlSeconds == 300)
      #expect(try await keys.get("/b").event.node.value == "2")
      #expect(try await keys.get("/_h/k").event.node.value == "3")
    }
  }
}
