// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Testing

@testable import EtcdWire

/// Recorded requests to a real etcd, replayed through parser, store and codec.
///
/// Replayed are the requests to `/v2/keys` of sections 1 to 3. The others are left to their own modules: members,
/// stats, auth, TLS, clusters and discovery are no keys; watches (section 4) were recorded without their requests and
/// stand as tests of the watcher hub; the `RAW` requests of section 3 are about HTTP itself.
struct TranscriptTests {
  /// Exchanges whose answer is meant to differ, by command and recorded index, each with its reason.
  static let differences: [String: String] = [
    "-si $E/v2/keys?prevValue=x -XDELETE @21": rootIsReadOnly,
    "-si $E/v2/keys/t/d1 -XPUT -d dir=true -d prevExist=true @15": updatedDirectory,
    "-si $E/v2/keys/t/d1 @15": updatedDirectory,
    "-si $E/v2/keys/u/rd -XPUT -d refresh=true -d ttl=70 -d prevExist=true -d dir=true @57": updatedDirectory,
    "-si $E/v2/keys/u/t -XPUT -d value=2 -d ttl=18446744073709551615 @37": hugeTTL,
    "-si $E/v2/keys/u/t @37": hugeTTL,
    "-si $E/v2/keys/u/bin -XPUT -d value=%00%01%ff%fe @82": repairedText,
    "-si $E/v2/keys/u/bin @82": repairedText,
    "PUT /e1795214393/%ff%fe {'data': {'value': 'x'}} @1809": repairedText,
    "GET /e1795214393/%ff%fe  @1809": repairedText,
    "GET /e1795214393/%EF%BF%BD%EF%BF%BD  @1809": repairedText,
    "GET /e1795214393/f?wait=true&quorum=true  @1798": "a watch with quorum is a watch, not a read",
  ]
  private static let rootIsReadOnly = "the root is refused with 107 as by every other write, not with 102"
  private static let updatedDirectory = "an updated directory keeps the modifiedIndex that its update reported"
  private static let hugeTTL = "a ttl beyond the range of time means permanent, not the past"
  private static let repairedText = "invalid UTF-8 is repaired on arrival, so U+FFFD is stored and written as itself"

  @Test func `sections 1 and 2 are answered as recorded`() throws {
    let exchanges = try ["1", "2"].flatMap { Transcript.curlExchanges(try Transcript.section($0)) }
    #expect(exchanges.count > 150)
    var server = ReplayServer(filledTo: 3)
    server.store.set("/foo", "bar")
    replay(exchanges, on: &server)
  }

  @Test func `section 3 is answered as recorded`() throws {
    let exchanges = try Transcript.pythonExchanges(try Transcript.section("3"))
    #expect(exchanges.count == 48)
    var server = ReplayServer(filledTo: 1_794)
    replay(exchanges, on: &server)
  }

  private func replay(_ exchanges: [Exchange], on server: inout ReplayServer) {
    for exchange in exchanges {
      server.catchUp(with: exchange)
      let answer = server.answer(to: exchange)
      var recorded = ReplayServer.Answer(status: exchange.status, body: exchange.answer)
      recorded.etcdIndex = exchange.etcdIndex ?? answer.etcdIndex
      recorded.location = exchange.location ?? answer.location
      let name = "\(exchange.command) @\(recorded.etcdIndex ?? 0)"
      if let reason = Self.differences[name] {
        #expect(answer != recorded, "no longer different: \(name): \(reason)")
      } else {
        #expect(answer == recorded, "\(name)")
      }
    }
  }
}

/// A member reduced to parser, store and codec, with a clock that follows the record.
struct ReplayServer {
  struct Answer: Equatable {
    var status: Int
    var etcdIndex: UInt64?
    var location: String?
    /// The body without its line feed; empty for HEAD and redirects.
    var body: String
  }

  var store = Store()
  private var now = Timestamp(nanosecondsSinceEpoch: 0)

  /// A server whose index stands where the record begins, after internal writes.
  init(filledTo index: UInt64) {
    while store.etcdIndex.rawValue < index { store.set("/_before", "") }
  }

  /// Sets the clock to the recorded moment, where the answer tells it, and expires what had expired by then.
  mutating func catchUp(with exchange: Exchange) {
    let body = try? JSONValue.parse(exchange.answer.utf8)
    if let expiration = body?["node"]?["expiration"]?.string.flatMap({ Timestamp(rfc3339: $0) }),
      let ttl = (exchange.body + "&").firstMatch(of: #/ttl=(\d+)&/#).flatMap({ Int32($0.1) }).map({ Int64($0) })
    {
      let moment = expiration.nanosecondsSinceEpoch - ttl * 1_000_000_000
      now = max(now, Timestamp(nanosecondsSinceEpoch: moment))
    }
    guard let recorded = exchange.etcdIndex, recorded > 0 else { return }
    let isWrite = exchange.status < 300 && !["GET", "HEAD"].contains(exchange.method)
    let before = isWrite ? recorded - 1 : recorded
    if store.etcdIndex.rawValue < before {
      _ = store.apply(.expire(through: now), at: now)
    }
    // What the record skips (requests that are not replayed) is filled up.
    while store.etcdIndex.rawValue < before { store.set("/_between", "") }
  }

  mutating func answer(to exchange: Exchange) -> Answer {
    guard let method = KeysMethod(rawValue: exchange.method), let target = RequestTarget(exchange.target) else {
      return Answer(status: 400, body: "")
    }
    if let location = target.redirect { return Answer(status: 301, location: location, body: "") }
    guard let key = target.key else { return Answer(status: 404, body: "") }
    let isHead = method == .head
    do throws(EtcdError) {
      let call = try KeysRequestParser.parse(
        method,
        key: key,
        query: target.query,
        contentType: exchange.contentType,
        body: Array(exchange.body.utf8)
      )
      guard case .perform(let request, let noValueOnSuccess) = call else { return Answer(status: 0, body: "a watch") }
      let event = try perform(request)
      return Answer(
        status: event.isCreation ? 201 : 200,
        etcdIndex: event.etcdIndex.rawValue,
        body: isHead ? "" : line(KeysJSON.encode(event, noValueOnSuccess: noValueOnSuccess))
      )
    } catch {
      return Answer(
        status: error.code.httpStatus,
        etcdIndex: error.index.rawValue,
        body: isHead ? "" : line(KeysJSON.encode(error))
      )
    }
  }

  private mutating func perform(_ request: KeysRequest) throws(EtcdError) -> Event {
    switch request {
    case .read(let key, let read):
      return try store.get(key, recursive: read.recursive, sorted: read.sorted, at: now)
    case .write(let key, let write):
      guard let result = store.apply(.write(key: key, write), at: now).result else {
        throw EtcdError(.raftInternal, cause: "a write has no result")
      }
      return try result.get()
    }
  }

  private func line(_ bytes: [UInt8]) -> String {
    #expect(bytes.last == UInt8(ascii: "\n"))
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }
}

extension Store {
  /// Sets a permanent file.
  fileprivate mutating func set(_ key: String, _ value: String) {
    let write = KeysWrite.set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
    _ = apply(.write(key: key, write), at: Timestamp(nanosecondsSinceEpoch: 0))
  }
}
