// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import EtcdWire

struct JSONValueTests {
  @Test(arguments: [
    #"{"b":1,"a":[true,null,-2.50,"é\u003c\n"],"a":{}}"#, "[]", "\"\"", "0", "-1", "1e5", "9223372036854775807",
    "18446744073709551615", #"["\u0001\"\\\u2028"]"#,
  ])
  func `a compact text is written back as it was read`(text: String) throws {
    #expect(try JSONValue.parse(text.utf8).text == text)
  }

  @Test func `white space and every escape are read`() throws {
    let text = " { \"a\\u0041\" :\t[ 1 , \"\\b\\f\\n\\r\\t\\/\\\\\\\"\\u00e9\\ud83d\\ude00\" ]\r\n} "
    let expected = JSONValue.fields(["aA": [1, "\u{8}\u{C}\n\r\t/\\\"é😀"]])
    #expect(try JSONValue.parse(text.utf8) == expected)
  }

  @Test func `lone surrogates and invalid UTF-8 become U+FFFD`() throws {
    #expect(
      try JSONValue.parse(#"["\ud800","\ud800x","\udc00\ud800","\ud800\u0041"]"#.utf8).strings
        == ["\u{FFFD}", "\u{FFFD}x", "\u{FFFD}\u{FFFD}", "\u{FFFD}A"]
    )
    #expect(try JSONValue.parse([0x22, 0xFF, 0x61, 0x22]).string == "\u{FFFD}a")
  }

  @Test(arguments: [
    ("", 0), ("  ", 2), ("{", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("{\"a\" 1}", 5), ("01", 2), ("1.", 2), ("-", 1),
    ("\"a", 2), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("nul", 0), ("1 2", 2), ("\"\n\"", 1), ("{a:1}", 1), ("[1 2]", 3),
    ("1e", 2), ("tru", 0),
  ])
  func `what is no JSON is refused with its place`(text: String, offset: Int) {
    do {
      let value = try JSONValue.parse(text.utf8)
      Issue.record("\(text) was read as \(value)")
    } catch {
      #expect(error.byteOffset == offset, "\(text): \(error)")
    }
  }

  @Test func `nesting is bounded`() throws {
    let depth = JSONValue.maximumDepth
    let allowed = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    #expect(throws: Never.self) { try JSONValue.parse(allowed.utf8) }
    #expect(throws: JSONError.self) { try JSONValue.parse(String(repeating: "[", count: 1_000_000).utf8) }
    #expect(throws: JSONError.self) { try JSONValue.parse("[[1]]".utf8, maximumDepth: 1) }
  }

  @Test func `values are looked up by name and kind`() throws {
    let value: JSONValue = ["s": "t", "i": 5, "b": true, "a": ["x", "y"], "d": .number("1.5"), "n": .null]
    #expect(value["s"]?.string == "t")
    #expect(value["i"]?.int == 5)
    #expect(value["i"]?.uint64 == 5)
    #expect(value["b"]?.bool == true)
    #expect(value["a"]?.strings == ["x", "y"])
    #expect(value["d"]?.double == 1.5)
    #expect(value["n"] == nil)
    #expect(value["x"] == nil)
    #expect(value["s"]?.int == nil)
    #expect(JSONValue.unsigned(.max).uint64 == .max)
  }

  @Test func `random bytes are read as Foundation reads them`() throws {
    var generator = SeededGenerator(seed: 9)
    let alphabet = Array(#"{}[],:"\aé1.-e0nulltruefalse "#.utf8)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...12, using: &generator)
      let bytes = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
      guard String(validating: bytes, as: UTF8.self) != nil else { continue }
      let ours = try? JSONValue.parse(bytes)
      let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      // Foundation refuses numbers beyond a double; ours keeps their digits.
      let isHugeNumber = bytes.contains(UInt8(ascii: "e")) && ours != nil
      #expect((ours == nil) == (theirs == nil) || isHugeNumber, "\(String(decoding: bytes, as: UTF8.self))")
    }
  }
}
