// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Testing

@testable import Differential
@testable import EtcdWire

/// Recorded requests to a real etcd, replayed through parser, store and codec.
///
/// Replayed are the requests to `/v2/keys` of sections 1 to 3. The others are left to their own modules: members,
/// stats, auth, TLS, clusters and discovery are no keys; watches (section 4) were recorded without their requests and
/// stand as tests of the watcher hub; the `RAW` requests of section 3 are about HTTP itself.
struct TranscriptTests {
  @Test func `sections 1 and 2 are answered as recorded`() throws {
    let exchanges = try ["1", "2"].flatMap { RecordedTranscript.curlExchanges(try RecordedTranscript.section($0)) }
      .filter(\.isForKeys)
    #expect(exchanges.count > 150)
    var server = ReplayServer(filledTo: 3)
    server.store.set("/foo", "bar")
    replay(exchanges, on: &server, accepted: AcceptedDifferences.keys)
  }

  @Test func `section 3 is answered as recorded`() throws {
    let section = try RecordedTranscript.section("3")
    let exchanges = try RecordedTranscript.pythonExchanges(section, keysBelow: "/v2/keys")
      .compactMap { $0 }.filter(\.isForKeys)
    #expect(exchanges.count == 49)
    var server = ReplayServer(filledTo: 1_794)
    replay(exchanges, on: &server, accepted: AcceptedDifferences.paths.merging(AcceptedDifferences.watches) { $1 })
  }

  private func replay(
    _ exchanges: [RecordedExchange],
    on server: inout ReplayServer,
    accepted: [String: String]
  ) {
    for exchange in exchanges {
      server.catchUp(with: exchange)
      let answer = server.answer(to: exchange)
      var recorded = ReplayServer.Answer(status: exchange.answer.status, body: exchange.json)
      recorded.etcdIndex = exchange.etcdIndex ?? answer.etcdIndex
      recorded.location = exchange.answer["location"] ?? answer.location
      let name = "\(exchange.name) @\(recorded.etcdIndex ?? 0)"
      if let reason = accepted[name] {
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
  mutating func catchUp(with exchange: RecordedExchange) {
    let body = try? JSONValue.parse(exchange.json.utf8)
    if let expiration = body?["node"]?["expiration"]?.string.flatMap({ Timestamp(rfc3339: $0) }),
      let ttl = (exchange.body + "&").firstMatch(of: #/ttl=(\d+)&/#).flatMap({ Int32($0.1) }).map({ Int64($0) })
    {
      let moment = expiration.nanosecondsSinceEpoch - ttl * 1_000_000_000
      now = max(now, Timestamp(nanosecondsSinceEpoch: moment))
    }
    guard let recorded = exchange.etcdIndex, recorded > 0 else { return }
    let before = exchange.isWrite ? recorded - 1 : recorded
    if store.etcdIndex.rawValue < before {
      _ = store.apply(.expire(through: now), at: now)
    }
    // What the record skips (requests that are not replayed) is filled up.
    while store.etcdIndex.rawValue < before { store.set("/_between", "") }
  }

  mutating func answer(to exchange: RecordedExchange) -> Answer {
    guard let method = KeysMethod(rawValue: exchange.request.method),
      let target = RequestTarget(exchange.request.target)
    else {
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
    case .write(let key, let write, _):
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
