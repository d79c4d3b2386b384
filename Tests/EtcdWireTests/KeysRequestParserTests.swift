// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import TestKit
import Testing

@testable import EtcdWire

/// Parameters, their validation order and the dispatch to operations: specs §2 and §4.
struct KeysRequestParserTests {
  private let form = "application/x-www-form-urlencoded"

  private func write(_ method: KeysMethod, _ query: String = "", body: String = "") throws -> KeysWrite? {
    let call = try KeysRequestParser.parse(
      method,
      key: "/k",
      query: query,
      contentType: form,
      body: Array(body.utf8)
    )
    guard case .perform(.write("/k", let write, _), _) = call else { return nil }
    return write
  }

  private func failure(_ method: KeysMethod, _ query: String, contentType: String? = nil) -> EtcdError? {
    do {
      _ = try KeysRequestParser.parse(method, key: "/k", query: query, contentType: contentType)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a put is dispatched by prevExist and the comparison`() throws {
    let any = Comparison(previousValue: "o", previousIndex: EtcdIndex(7))
    #expect(
      try write(.put, body: "value=v") == .set(value: "v", isDirectory: false, ttl: .permanent, refresh: false)
    )
    #expect(
      try write(.put, "prevExist=false&prevValue=o&prevIndex=7", body: "value=v&ttl=5&dir=true")
        == .create(value: "v", isDirectory: true, ttl: .seconds(5))
    )
    #expect(try write(.put, "prevExist=true") == .update(value: "", ttl: .permanent, refresh: false))
    #expect(
      try write(.put, "prevExist=true&prevIndex=0&ttl=", body: "value=v")
        == .update(value: "v", ttl: .permanent, refresh: false)
    )
    for query in ["prevValue=o&prevIndex=7", "prevExist=true&prevValue=o&prevIndex=7"] {
      #expect(
        try write(.put, query, body: "value=v")
          == .compareAndSwap(value: "v", comparison: any, ttl: .permanent, refresh: false)
      )
    }
    #expect(
      try write(.put, body: "refresh=true&ttl=9&prevExist=true") == .update(value: nil, ttl: .seconds(9), refresh: true)
    )
  }

  @Test func `a post creates in order and a delete is dispatched by the comparison`() throws {
    #expect(
      try write(.post, "prevExist=true&prevValue=x", body: "value=v&ttl=0")
        == .createInOrder(value: "v", isDirectory: false, ttl: .seconds(0))
    )
    #expect(try write(.delete, "recursive=1&prevExist=true") == .delete(isDirectory: false, recursive: true))
    #expect(try write(.delete, "dir=T") == .delete(isDirectory: true, recursive: false))
    #expect(
      try write(.delete, "dir=true&prevIndex=7")
        == .compareAndDelete(comparison: Comparison(previousIndex: EtcdIndex(7)))
    )
  }

  @Test func `a get is a read, or with wait a watch`() throws {
    let read = try KeysRequestParser.parse(.get, key: "/k", query: "recursive=true&sorted=true&quorum=true&stream=true")
    let all = KeysRead(recursive: true, sorted: true, quorum: true)
    #expect(read == .perform(.read(key: "/k", all), noValueOnSuccess: false))
    let watch = try KeysRequestParser.parse(
      .get,
      key: "",
      query: "wait=true&recursive=true&waitIndex=9&stream=1&quorum=1"
    )
    #expect(watch == .watch(KeysWatch(key: "/", recursive: true, waitIndex: EtcdIndex(9), stream: true)))
    let zero = try KeysRequestParser.parse(.get, key: "/k", query: "wait=true&waitIndex=0")
    #expect(zero == .watch(KeysWatch(key: "/k", recursive: false, waitIndex: nil, stream: false)))
  }

  @Test func `the body beats the query and the first of a name beats later ones`() throws {
    #expect(
      try write(.put, "value=q", body: "value=a&value=b")
        == .set(value: "a", isDirectory: false, ttl: .permanent, refresh: false)
    )
    #expect(
      try write(.put, "value=q&value=r", body: "x=y")
        == .set(value: "q", isDirectory: false, ttl: .permanent, refresh: false)
    )
    // An empty ttl in the body hides the query's.
    #expect(
      try write(.put, "ttl=9", body: "ttl=") == .set(value: "", isDirectory: false, ttl: .permanent, refresh: false)
    )
    // A body counts for PUT and POST only.
    #expect(try write(.delete, body: "recursive=true") == .delete(isDirectory: false, recursive: false))
  }

  @Test(arguments: ["application/json", "multipart/form-data; boundary=x", "text/plain", "", nil])
  func `a body of another type is ignored`(contentType: String?) throws {
    let call = try KeysRequestParser.parse(.put, key: "/k", contentType: contentType, body: Array("value=v".utf8))
    let empty = KeysWrite.set(value: "", isDirectory: false, ttl: .permanent, refresh: false)
    #expect(call == .perform(.write(key: "/k", empty), noValueOnSuccess: false))
  }

  @Test(arguments: ["APPLICATION/x-www-form-URLENCODED", "application/x-www-form-urlencoded ; charset=utf-8;"])
  func `a form's type may be written in any case and have parameters`(contentType: String) throws {
    let call = try KeysRequestParser.parse(
      .put,
      key: "/k",
      contentType: contentType,
      body: Array("value=a+b%2B%20c".utf8)
    )
    let write = KeysWrite.set(value: "a b+ c", isDirectory: false, ttl: .permanent, refresh: false)
    #expect(call == .perform(.write(key: "/k", write), noValueOnSuccess: false))
  }

  /// Each query has the fault of its line and those of all lines below.
  @Test func `the first failure of the validation order answers`() {
    let order: [(parameter: String, code: EtcdErrorCode, cause: String)] = [
      ("x=%zz", .invalidForm, "invalid URL escape \"%zz\""),
      ("prevIndex=-1", .indexNotANumber, "invalid value for \"prevIndex\""),
      ("waitIndex=1.5", .indexNotANumber, "invalid value for \"waitIndex\""),
      ("recursive=yes", .invalidField, "invalid value for \"recursive\""),
      ("sorted=", .invalidField, "invalid value for \"sorted\""),
      ("wait=TrUe", .invalidField, "invalid value for \"wait\""),
      ("dir=2", .invalidField, "invalid value for \"dir\""),
      ("quorum=on", .invalidField, "invalid value for \"quorum\""),
      ("stream=no", .invalidField, "invalid value for \"stream\""),
      ("wait=true", .invalidField, "\"wait\" can only be used with GET requests"),
      ("prevValue=", .previousValueRequired, "\"prevValue\" cannot be empty"),
      ("noValueOnSuccess=x", .invalidField, "invalid value for \"noValueOnSuccess\""),
      ("ttl=-1", .ttlNotANumber, "invalid value for \"ttl\""),
      ("prevExist=", .invalidField, "invalid value for prevExist"),
      ("refresh=x", .invalidField, "invalid value for refresh"),
      ("refresh=true&value=v", .refreshValue, "A value was provided on a refresh"),
      ("refresh=true", .refreshTTLRequired, "No TTL value set"),
    ]
    for start in order.indices {
      let query = order[start...].map(\.parameter).joined(separator: "&")
      let expected = EtcdError(order[start].code, cause: order[start].cause)
      #expect(failure(.put, query) == expected, "\(query)")
    }
    #expect(failure(.head, "wait=true")?.code == .invalidField)
    #expect(failure(.delete, "wait=true")?.code == .invalidField)
  }

  @Test func `every parameter is checked on every method`() {
    for method in KeysMethod.allCases {
      #expect(failure(method, "ttl=bad")?.code == .ttlNotANumber)
      #expect(failure(method, "refresh=true")?.code == .refreshTTLRequired)
      #expect(failure(method, "prevExist=bad")?.code == .invalidField)
      #expect(failure(method, "unknown=bad") == nil)
    }
  }

  @Test(arguments: ["+5", " 5", "5 ", "0x5", "5.0", "18446744073709551616", "٥"])
  func `numbers are plain digits of 64 bits`(text: String) {
    let encoded = PercentCoding.encodedFormValue(text)
    #expect(failure(.put, "prevIndex=" + encoded)?.code == .indexNotANumber)
    #expect(failure(.put, "ttl=" + encoded)?.code == .ttlNotANumber)
  }

  @Test func `a body above ten mebibytes is no form`() {
    let exact = Array("value=".utf8) + [UInt8](repeating: 0x78, count: KeysRequestParser.maximumFormBytes - 6)
    #expect(throws: Never.self) {
      try KeysRequestParser.parse(.put, key: "/k", contentType: form, body: exact)
    }
    #expect(throws: EtcdError(.invalidForm, cause: "http: POST too large")) {
      try KeysRequestParser.parse(.put, key: "/k", contentType: form, body: exact + [0x78])
    }
  }

  @Test(arguments: [
    ("bad type/;;", "mime: expected slash after first token"), (";", "mime: no media type"),
    ("a/", "mime: expected token after slash"), ("a/b c", "mime: unexpected content after media subtype"),
    ("a/b; c", "mime: invalid media parameter"),
  ])
  func `a malformed type is 210`(contentType: String, cause: String) {
    #expect(failure(.put, "", contentType: contentType) == EtcdError(.invalidForm, cause: cause))
    #expect(failure(.get, "", contentType: contentType) == nil)
  }

  @Test(arguments: [("%", "%"), ("a%2", "%2"), ("%zz1", "%zz"), ("%4", "%4")])
  func `a malformed escape is named`(text: String, shown: String) {
    #expect(failure(.put, "value=" + text)?.cause == "invalid URL escape \"\(shown)\"")
    #expect(failure(.get, text + "=1")?.code == .invalidForm)
  }

  @Test func `a key beyond the limits is refused before anything is proposed`() {
    let deep = String(repeating: "/k", count: NodeKey.maximumElements + 1)
    #expect(throws: EtcdError.self) { try KeysRequestParser.parse(.get, key: deep) }
  }

  @Test func `what the encoder writes the parser reads`() throws {
    var generator = SeededGenerator(seed: 5)
    let texts = ["", "v", "a b&c=d+e%", "é\u{0}\n;", "日本"]
    for _ in 0..<2_000 {
      let text = { () -> String in texts[Int.random(in: 0..<texts.count, using: &generator)] }
      let ttl: TTLChange = Bool.random(using: &generator) ? .permanent : .seconds(.random(in: 0...9, using: &generator))
      let index = Bool.random(using: &generator) ? EtcdIndex(.random(in: 1...9, using: &generator)) : nil
      let value = text()
      let comparison = Comparison(
        previousValue: value.isEmpty && index != nil ? nil : value + "!",
        previousIndex: index
      )
      let flag = Bool.random(using: &generator)
      let writes: [KeysWrite] = [
        // What a directory is given as a value counts for nothing, and is not sent.
        .set(value: flag ? "" : text(), isDirectory: flag, ttl: ttl, refresh: false),
        .set(value: "", isDirectory: flag, ttl: .seconds(3), refresh: true),
        .create(value: flag ? "" : text(), isDirectory: flag, ttl: ttl),
        .createInOrder(value: flag ? "" : text(), isDirectory: flag, ttl: ttl),
        .update(value: text(), ttl: ttl, refresh: false),
        .update(value: nil, ttl: .seconds(3), refresh: true),
        .compareAndSwap(value: text(), comparison: comparison, ttl: ttl, refresh: false),
        .delete(isDirectory: flag, recursive: Bool.random(using: &generator)),
        .compareAndDelete(comparison: comparison),
      ]
      let key = "/" + text() + "/k?#"
      for write in writes {
        let request = KeysRequest.write(key: NodeKey.cleaned(key), write)
        #expect(try reparsed(KeysRequestEncoder.encode(request)) == .perform(request, noValueOnSuccess: false))
      }
      let refresh = KeysRequest.write(
        key: NodeKey.cleaned(key),
        .update(value: nil, ttl: .seconds(3), refresh: true),
        patience: .milliseconds(Int.random(in: 0...5_000, using: &generator))
      )
      #expect(try reparsed(KeysRequestEncoder.encode(refresh)) == .perform(refresh, noValueOnSuccess: false))
      let read = KeysRequest.read(key: NodeKey.cleaned(key), KeysRead(recursive: flag, sorted: !flag, quorum: flag))
      #expect(try reparsed(KeysRequestEncoder.encode(read)) == .perform(read, noValueOnSuccess: false))
      let watch = KeysWatch(key: NodeKey.cleaned(key), recursive: flag, waitIndex: index, stream: !flag)
      #expect(try reparsed(KeysRequestEncoder.encode(watch)) == .watch(watch))
    }
  }

  @Test func `only a refresh of what exists may be patient, and what is no number is no patience`() throws {
    func patience(_ form: String) throws -> Duration? {
      let call = try KeysRequestParser.parse(.put, key: "/k", contentType: self.form, body: Array(form.utf8))
      guard case .perform(.write(_, _, let patience), _) = call else { return nil }
      return patience
    }
    #expect(try patience("refresh=true&prevExist=true&ttl=3&coracle-patience=1500") == .milliseconds(1_500))
    #expect(try patience("refresh=true&prevExist=true&ttl=3") == .zero)
    for word in ["", "-1", "1.5", "soon", "60001", "99999999999999999999"] {
      #expect(try patience("refresh=true&prevExist=true&ttl=3&coracle-patience=\(word)") == .zero, "\(word)")
    }
    for other in ["refresh=true&ttl=3", "prevExist=true&ttl=3&value=", "refresh=true&prevExist=true&prevIndex=4&ttl=3"]
    {
      #expect(try patience(other + "&coracle-patience=1500") == .zero, "\(other)")
    }
  }

  private func reparsed(_ request: EncodedKeysRequest) throws -> KeysCall {
    let target = try #require(RequestTarget(request.target))
    #expect(target.redirect == nil)
    return try KeysRequestParser.parse(
      request.method,
      key: try #require(target.key),
      query: target.query,
      contentType: request.form == nil ? nil : form,
      body: Array((request.form ?? "").utf8)
    )
  }
}
