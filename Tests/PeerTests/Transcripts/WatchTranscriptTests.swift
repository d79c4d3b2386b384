// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import TestKit
import Testing

@testable import Differential

/// One watch of section 4, whose requests were not recorded: what was written before and meanwhile.
///
/// Shape: writes are `METHOD key parameters`, keys stand below a directory of the test's own; `{n}` is the newest index
/// and n.
struct WatchScene: Sendable, CustomStringConvertible {
  /// The title in the record.
  var title: String
  var before: [String] = []
  /// Key and parameters behind `wait=true`; a slash is the root.
  var watch: String
  var meanwhile: [String] = []
  /// Why coracle brings something else, and what.
  var difference: (reason: String, events: [String])?

  var description: String { title }

  static let all: [WatchScene] = [
    WatchScene(title: "event", before: ["PUT x value=0"], watch: "x", meanwhile: ["PUT x value=1"]),
    WatchScene(title: "past idx", before: ["PUT x value=0", "PUT x value=1"], watch: "x waitIndex={-1}"),
    WatchScene(
      title: "stream past idx",
      before: ["PUT x value=0", "PUT x value=1"],
      watch: "x stream=true&waitIndex={0}"
    ),
    WatchScene(
      title: "stream live set,set,delete",
      before: ["PUT x value=2"],
      watch: "x stream=true",
      meanwhile: ["PUT x value=3", "PUT x value=4", "DELETE x"],
      difference: (removalOnce, ["set /x", "set /x", "delete /x"])
    ),
    WatchScene(title: "waitIndex=0", watch: "x waitIndex=0", meanwhile: ["PUT x value=5"]),
    WatchScene(
      title: "future idx",
      before: ["PUT x value=6"],
      watch: "x waitIndex={2}",
      meanwhile: ["PUT x value=7", "PUT x value=8"]
    ),
    WatchScene(title: "nonrec dir watch child set", watch: "d", meanwhile: ["PUT d/k value=1"]),
    WatchScene(
      title: "rec dir watch child set",
      before: ["PUT d/k value=1"],
      watch: "d recursive=true",
      meanwhile: ["PUT d/k value=2"]
    ),
    WatchScene(
      title: "watch child, recursive delete parent",
      before: ["PUT d/k value=1", "PUT d/k value=2"],
      watch: "d/k",
      meanwhile: ["DELETE d recursive=true"]
    ),
    WatchScene(
      title: "watch nonexist grandchild, recursive delete parent",
      before: ["PUT d/k value=1"],
      watch: "d/none/x",
      meanwhile: ["DELETE d recursive=true"]
    ),
    WatchScene(
      title: "rec stream on d, delete d",
      before: ["PUT d/k value=1"],
      watch: "d recursive=true&stream=true",
      meanwhile: ["DELETE d recursive=true"],
      difference: (removalOnce, ["delete /d"])
    ),
    WatchScene(
      title: "rec stream on parent of d, delete d",
      before: ["PUT d/k value=1"],
      watch: " recursive=true&stream=true",
      meanwhile: ["DELETE d recursive=true"]
    ),
    WatchScene(
      title: "rec stream on d, delete d/k",
      before: ["PUT d/k value=2"],
      watch: "d recursive=true&stream=true",
      meanwhile: ["DELETE d/k"]
    ),
    WatchScene(title: "rec watch hidden set", watch: " recursive=true", meanwhile: ["PUT _hid/a value=1"]),
    WatchScene(
      title: "rec watch hidden set via history",
      before: ["PUT _hid/a value=1"],
      watch: " recursive=true&waitIndex={0}",
      difference: ("hidden keys stay hidden in the history too", [])
    ),
    WatchScene(
      title: "rec watch on hidden dir itself",
      before: ["PUT _hid/a value=1"],
      watch: "_hid recursive=true",
      meanwhile: ["PUT _hid/a value=1"]
    ),
    WatchScene(
      title: "watch hidden key itself",
      before: ["PUT _hid/a value=1"],
      watch: "_hid/a",
      meanwhile: ["PUT _hid/a value=1"]
    ),
    WatchScene(title: "watch root hidden", watch: "/ recursive=true", meanwhile: ["PUT _hid/a value=1"]),
    WatchScene(title: "watch root", watch: "/ recursive=true", meanwhile: ["PUT nh value=1"]),
    WatchScene(title: "expire", before: ["PUT e value=v&ttl=2"], watch: "e"),
    WatchScene(title: "dir expire child watch", before: ["PUT ed dir=true&ttl=2", "PUT ed/k value=1"], watch: "ed/k"),
    WatchScene(
      title: "dir expire rec parent stream",
      before: ["PUT ed dir=true&ttl=2", "PUT ed/k value=1"],
      watch: " recursive=true&stream=true"
    ),
    WatchScene(
      title: "refresh live",
      before: ["PUT rf value=1&ttl=100"],
      watch: "rf",
      meanwhile: ["PUT rf refresh=true&ttl=200&prevExist=true"]
    ),
    WatchScene(
      title: "refresh hist",
      before: ["PUT rf value=1&ttl=100", "PUT rf refresh=true&ttl=200&prevExist=true"],
      watch: "rf waitIndex={0}"
    ),
    WatchScene(
      title: "rec hist event on dir itself after unrelated",
      before: ["PUT rh dir=true", "PUT other value=1", "PUT rh dir=true&prevExist=true&ttl=500"],
      watch: "rh recursive=true&waitIndex={-1}"
    ),
    WatchScene(
      title: "rec hist event on dir itself direct",
      before: ["PUT rh dir=true", "PUT other value=1", "PUT rh dir=true&prevExist=true&ttl=500"],
      watch: "rh recursive=true&waitIndex={0}"
    ),
    WatchScene(
      title: "hist prefix quirk",
      before: ["PUT pq dir=true", "DELETE pq dir=true"],
      watch: "pqrs waitIndex={0}",
      difference: ("only the removal of a true ancestor concerns a key", [])
    ),
    WatchScene(
      title: "live prefix quirk",
      before: ["PUT pq dir=true"],
      watch: "pqrs",
      meanwhile: ["DELETE pq dir=true"]
    ),
  ]

  private static let removalOnce = "the removal of the watched key itself comes once in a stream"
}

/// Section 4: watches against the real etcd 3.4.23.
@Suite(.serialized) struct WatchTranscriptTests {
  @Test func `watches bring what was recorded`() async throws {
    let section = try RecordedTranscript.section("4")
    try await withTestDirectory { directory in
      let server = try await LoneServer.coracle("\(LoneServer.freePrefix()).1", directory: directory)
      defer { server.stop() }
      for (number, scene) in WatchScene.all.enumerated() {
        let player = try WatchPlayer(server, root: "/w\(number)")
        let recorded = try Self.recorded(scene.title, in: section)
        let events = try player.play(scene, awaiting: scene.difference?.events.count ?? recorded.count)
        if let difference = scene.difference {
          #expect(events.map(WatchPlayer.summary) == difference.events, "\(scene.title)")
          #expect(events != recorded, "no longer different: \(scene.title): \(difference.reason)")
        } else {
          #expect(events == recorded, "\(scene.title): \(events.map(\.text)), recorded \(recorded.map(\.text))")
        }
      }
    }
  }

  @Test func `the history holds the newest thousand events`() async throws {
    try await withTestDirectory { directory in
      let server = try await LoneServer.coracle("\(LoneServer.freePrefix()).1", directory: directory)
      defer { server.stop() }
      let player = try WatchPlayer(server, root: "/w")
      for number in 0..<1_002 { try player.write("PUT spam value=\(number)") }
      let newest = player.newestIndex
      let kept = try player.play(WatchScene(title: "kept", watch: "spam waitIndex={-999}"), awaiting: 1)
      #expect(kept.count == 1)
      let answer = try player.answer("GET", "/v2/keys/w/spam?wait=true&waitIndex=\(newest - 1_000)")
      #expect(answer.status == 400)
      #expect(
        answer.text
          == #"{"errorCode":401,"message":"The event in requested index is outdated and cleared","cause":"#
          + #""the requested history has been cleared [\#(newest - 999)/\#(newest - 1_000)]","index":\#(newest)}"#
          + "\n"
      )
    }
  }

  /// The recorded events under a title, mapped as the player maps its own.
  private static func recorded(_ title: String, in section: [String]) throws -> [JSONValue] {
    let pattern = try Regex("## \(title)( [0-9 ]+)? \\[.*", as: (Substring, Substring?).self)
    let line = try #require(section.first { $0.wholeMatch(of: pattern) != nil }, "no record of \(title)")
    let events = line.components(separatedBy: "'").filter { $0.hasPrefix("{") }.map { Array($0.utf8) }
    return WatchPlayer.mapped(try events.map { try JSONValue.parse($0) }, below: #/^/w\d+/#)
  }
}

/// Plays scenes against one server.
final class WatchPlayer {
  private let server: LoneServer
  private let root: String
  private let connection: RawConnection
  private(set) var newestIndex: Int64 = 0

  init(_ server: LoneServer, root: String) throws {
    self.server = server
    self.root = root
    connection = try server.connection()
  }

  func answer(_ method: String, _ target: String) throws -> RawAnswer {
    connection.send(RequestTemplate(method, target).rendered(offset: 0))
    let answer = connection.answer(isHead: false)
    if let index = answer["x-etcd-index"].flatMap({ Int64($0) }) { newestIndex = max(newestIndex, index) }
    return answer
  }

  func write(_ line: String) throws {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    let parameters = words.count > 2 ? "?\(words[2])" : ""
    let answer = try answer(String(words[0]), "/v2/keys\(root)/\(words[1])\(parameters)")
    #expect(answer.status < 300, "\(line): \(answer.text)")
  }

  /// The events of a scene: as many as are awaited, and what comes for a moment after them.
  func play(_ scene: WatchScene, awaiting count: Int) throws -> [JSONValue] {
    // What earlier scenes did must not be in the listing of this one.
    for line in scene.before { try write(line) }
    let words = scene.watch.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    let key = words[0] == "/" ? "" : words[0].isEmpty ? root : "\(root)/\(words[0])"
    let parameters = words.count > 1 ? "&" + replacingIndex(String(words[1])) : ""
    let watch = try server.connection()
    watch.send(RequestTemplate("GET", "/v2/keys\(key)?wait=true\(parameters)").rendered(offset: 0))
    let head = watch.head(within: .seconds(60))
    #expect(head?.status == 200 && head?["transfer-encoding"] == "chunked", "\(scene.title)")
    for line in scene.meanwhile { try write(line) }
    var bytes: [UInt8] = []
    func isLate() -> Bool { bytes.count { $0 == 10 } < count }
    while case .data(let data) = watch.chunk(within: isLate() ? .seconds(60) : .milliseconds(150)) { bytes += data }
    let events = try bytes.split(separator: 10).map { try JSONValue.parse($0) }
    return Self.mapped(events, below: try Regex("^\(root)", as: Substring.self))
  }

  private func replacingIndex(_ text: String) -> String {
    guard let start = text.firstIndex(of: "{"), let end = text.firstIndex(of: "}") else { return text }
    let distance = Int64(text[text.index(after: start)..<end]) ?? 0
    return text[..<start] + String(newestIndex + distance) + text[text.index(after: end)...]
  }

  /// Events with keys below the test's directory and without what time and earlier writes decide.
  static func mapped(_ events: [JSONValue], below root: Regex<Substring>) -> [JSONValue] {
    func map(_ value: JSONValue) -> JSONValue {
      switch value {
      case .object(let fields):
        return .object(
          fields.compactMap { field in
            switch field.name {
            case "modifiedIndex", "createdIndex", "ttl": return nil
            case "expiration": return .init("expiration", "a time")
            case "key":
              let key = (field.value.string ?? "").replacing(root, with: "")
              return .init("key", .string(key))
            default: return .init(field.name, map(field.value))
            }
          }
        )
      default: return value
      }
    }
    return events.map(map)
  }

  static func summary(_ event: JSONValue) -> String {
    "\(event["action"]?.string ?? "") \(event["node"]?["key"]?.string ?? "")"
  }
}
