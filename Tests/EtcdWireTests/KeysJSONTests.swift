// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Testing

@testable import EtcdWire

/// Bodies of events and errors: specs §5 and §7.
struct KeysJSONTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private let full = Event(
    action: .set,
    node: NodeView(
      key: "/a",
      value: "<1>",
      expiration: Timestamp(nanosecondsSinceEpoch: 1_795_213_571_317_758_112),
      ttlSeconds: 100,
      modifiedIndex: EtcdIndex(6),
      createdIndex: EtcdIndex(5)
    ),
    previousNode: NodeView(key: "/a", value: "", modifiedIndex: EtcdIndex(5), createdIndex: EtcdIndex(5)),
    etcdIndex: EtcdIndex(6)
  )

  @Test func `an event has its fields in the order of the original`() {
    let expected = #"""
      {"action":"set","node":{"key":"/a","value":"\u003c1\u003e","expiration":"2026-11-20T22:26:11.317758112Z",\#
      "ttl":100,"modifiedIndex":6,"createdIndex":5},"prevNode":{"key":"/a","value":"","modifiedIndex":5,\#
      "createdIndex":5}}

      """#
    #expect(text(KeysJSON.encode(full)) == expected)
    #expect(text(KeysJSON.encode(full, noValueOnSuccess: true)) == "{\"action\":\"set\"}\n")
  }

  @Test func `the root has neither key nor indexes, and empty lists are left out`() {
    var event = Event(action: .get, node: NodeView(key: "", isDirectory: true, nodes: []), etcdIndex: EtcdIndex(3))
    #expect(text(KeysJSON.encode(event)) == "{\"action\":\"get\",\"node\":{\"dir\":true}}\n")
    event.node.nodes = [
      NodeView(key: "/d", isDirectory: true, modifiedIndex: EtcdIndex(1), createdIndex: EtcdIndex(1)),
      NodeView(key: "/f", value: "v", ttlSeconds: 0, modifiedIndex: EtcdIndex(2), createdIndex: EtcdIndex(2)),
    ]
    let expected = #"""
      {"action":"get","node":{"dir":true,"nodes":[{"key":"/d","dir":true,"modifiedIndex":1,"createdIndex":1},\#
      {"key":"/f","value":"v","modifiedIndex":2,"createdIndex":2}]}}

      """#
    #expect(text(KeysJSON.encode(event)) == expected)
  }

  @Test func `an error leaves out an empty cause`() {
    let missing = EtcdError(.keyNotFound, cause: "/a\"b", index: EtcdIndex(7))
    #expect(
      text(KeysJSON.encode(missing))
        == "{\"errorCode\":100,\"message\":\"Key not found\",\"cause\":\"/a\\\"b\",\"index\":7}\n"
    )
    #expect(
      text(KeysJSON.encode(EtcdError(.invalidForm)))
        == "{\"errorCode\":210,\"message\":\"Invalid POST form\",\"index\":0}\n"
    )
  }

  @Test func `events and errors are read back`() throws {
    #expect(try KeysJSON.decodeEvent(KeysJSON.encode(full)) == full)
    let removal = Event(
      action: .expire,
      node: NodeView(key: "/d", isDirectory: true, modifiedIndex: EtcdIndex(9), createdIndex: EtcdIndex(2)),
      previousNode: NodeView(key: "/d", isDirectory: true, modifiedIndex: EtcdIndex(2), createdIndex: EtcdIndex(2)),
      etcdIndex: EtcdIndex(9)
    )
    #expect(try KeysJSON.decodeEvent(KeysJSON.encode(removal)) == removal)
    let listing = Event(
      action: .get,
      node: NodeView(key: "", isDirectory: true, nodes: [full.node, removal.node]),
      etcdIndex: EtcdIndex(44)
    )
    #expect(try KeysJSON.decodeEvent(KeysJSON.encode(listing), etcdIndex: EtcdIndex(44)) == listing)
    for code in EtcdErrorCode.allCases {
      let error = EtcdError(code, cause: "c", index: EtcdIndex(3))
      #expect(try KeysJSON.decodeError(KeysJSON.encode(error)) == error)
    }
  }

  @Test func `an error of an unknown number keeps its text`() throws {
    let body = #"{"errorCode":400,"message":"watcher is cleared","cause":"x","index":5}"#
    let error = try KeysJSON.decodeError(body.utf8)
    #expect(error == EtcdError(.raftInternal, cause: "400: watcher is cleared (x)", index: EtcdIndex(5)))
  }

  @Test(arguments: ["", "{}", "[]", "{\"action\":\"dance\"}", "{\"action\":\"get\",\"node\":[]}", "<html>"])
  func `what is no event is refused`(body: String) {
    #expect(throws: JSONError.self) { try KeysJSON.decodeEvent(body.utf8) }
    #expect(throws: JSONError.self) { try KeysJSON.decodeError(body.utf8) }
  }
}

struct RFC3339Tests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000000001Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
      (951_782_400_000_000_000, "2000-02-29T00:00:00Z"), (951_868_799_500_000_000, "2000-02-29T23:59:59.5Z"),
      (1_795_213_503_419_273_581, "2026-11-20T22:25:03.419273581Z"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00Z"),
      (Int64.max, "2262-04-11T23:47:16.854775807Z"), (-2_208_988_800_000_000_000, "1900-01-01T00:00:00Z"),
    ] as [(Int64, String)]
  )
  func `a moment is written and read back`(nanoseconds: Int64, text: String) {
    let moment = Timestamp(nanosecondsSinceEpoch: nanoseconds)
    #expect(moment.rfc3339 == text)
    #expect(Timestamp(rfc3339: text) == moment)
  }

  @Test func `offsets, lower case and long fractions are read`() {
    let moment = Timestamp(nanosecondsSinceEpoch: 1_500_000_000)
    for text in ["1970-01-01T01:00:01.5+01:00", "1969-12-31t22:30:01.500-01:30", "1970-01-01T00:00:01.5000000009z"] {
      #expect(Timestamp(rfc3339: text) == moment, "\(text)")
    }
  }

  @Test(arguments: [
    "", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z",
    "1970-01-01T00:00:00Zx", "2300-01-01T00:00:00Z", "١٩٧٠-01-01T00:00:00Z", "1970-01-01T00:00:00+1:00",
  ])
  func `other texts are refused`(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }
}
