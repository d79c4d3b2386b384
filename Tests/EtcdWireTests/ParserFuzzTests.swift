// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import TestKit
import Testing

@testable import EtcdWire

/// Strange inputs to everything that reads requests: never a crash, and what is read is read consistently.
///
/// `make fuzz` goes on from here for as long as one likes.
@Suite struct ParserFuzzTests {
  private static let targets = [
    "/v2/keys/a?recursive=true&sorted=1", "/v2/keys/a%20b/%E4%B8%AD?wait=true&waitIndex=5", "http://host:1/v2/keys?a=b",
    "/v2//keys/../x/./y/", "/", "*", "/v2/keys/%2e%2e/x", "https://h?x",
  ]
  private static let forms = [
    "value=1&ttl=5&prevExist=true", "dir=true&prevValue=a%2Bb+c&prevIndex=7", "refresh=1&ttl=&value=",
    "wait=true&stream=f&quorum=T", "a;b=c", "noValueOnSuccess=true&value=%E6%97%A5",
  ]
  private static let words = [
    "%", "%2", "%zz", "%2F", "%00", "%ff", "+", "&", "=", ";", "?", "#", "//", "/../", "/./", "http://", "true", "ttl=",
    "18446744073709551616", "prevIndex=", "\u{0}", "\u{feff}", "é", "_",
  ]

  @Test func `targets are taken apart, and cleaning them once is enough`() {
    var mutator = ByteMutator(corpus: Self.targets, words: Self.words, seed: 1)
    for _ in 0..<20_000 {
      let text = String(decoding: mutator.next(), as: UTF8.self)
      guard let target = RequestTarget(text) else { continue }
      #expect(target.path.utf8.first == UInt8(ascii: "/"))
      if let key = target.key { #expect(NodeKey.cleaned(key) == key, "\(text.debugDescription)") }
      guard let redirect = target.redirect else { continue }
      let again = RequestTarget(redirect)
      #expect(again != nil && again?.redirect == nil, "\(text.debugDescription) -> \(redirect.debugDescription)")
    }
  }

  @Test func `forms are read, or refused with a reason`() {
    var mutator = ByteMutator(corpus: Self.forms, words: Self.words, seed: 2)
    let types = [
      "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=\"utf-8\"", "text/plain; a=b",
      "",
    ]
    var typeMutator = ByteMutator(corpus: types, words: ["\"", ";", "=", "/", "\\", " ", "a=1"], seed: 3)
    for _ in 0..<20_000 {
      let type = String(decoding: typeMutator.next(), as: UTF8.self)
      do throws(FormError) {
        let form = try FormValues(
          contentType: type,
          body: mutator.next(),
          query: String(decoding: mutator.next(), as: UTF8.self)
        )
        _ = form["value"]
      } catch {
        #expect(!error.message.isEmpty)
      }
    }
  }

  @Test func `requests for keys are calls, or errors of requests`() {
    var mutator = ByteMutator(corpus: Self.forms, words: Self.words, seed: 4)
    for number in 0..<20_000 {
      let method = KeysMethod.allCases[number % KeysMethod.allCases.count]
      do throws(EtcdError) {
        let query = String(decoding: mutator.next(), as: UTF8.self)
        let call = try KeysRequestParser.parse(
          method,
          key: "/a/b",
          query: query,
          contentType: "application/x-www-form-urlencoded",
          body: mutator.next()
        )
        if case .watch = call { #expect(method == .get) }
      } catch {
        #expect(error.index == .zero)
        #expect((200..<300).contains(error.code.rawValue), "\(error)")
      }
    }
  }

  @Test func `JSON is read as it was written, or refused`() {
    let corpus = [
      #"{"peerURLs":["http://127.0.0.1:2380","http://[::1]:7001"]}"#, #"{"Level":"DEBUG"}"#, "[1,-2.5e10,true,null]",
      #"{"user":"root","password":"\u00e9\n\"\\","roles":["a",["b"],{}]}"#, "\"text\"", "  { } ",
    ]
    let words = ["[", "]", "{", "}", "\"", ":", ",", "\\u", "\\ud83d", "\\", "null", "1e999", "-", "0", "\u{0}"]
    var mutator = ByteMutator(corpus: corpus, words: words, seed: 5)
    for _ in 0..<20_000 {
      let bytes = mutator.next()
      guard let value = try? JSONValue.parse(bytes) else { continue }
      let again = try? JSONValue.parse(value.serialized())
      #expect(again == value, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
    }
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect((try? JSONValue.parse(deep)) == nil)
  }
}
