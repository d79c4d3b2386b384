// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import DockerEngine

/// The pure readers: frames, lines, times, JSON.
@Suite struct StreamShapeTests {
  @Test func `frames are put together from any pieces`() throws {
    let bytes = FakeEngineTests.frame(1, "2026-11-20T22:54:33.1Z a\n") + FakeEngineTests.frame(2, "plain\n")
    for size in 1...bytes.count {
      var decoder = LogDecoder(isRaw: false)
      var lines: [OutputLine] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        lines += try decoder.receive(rest.prefix(size))
        rest = rest.dropFirst(size)
      }
      #expect(lines.map(\.text) == ["a", "plain"])
      #expect(lines[0].position == LogPosition(nanosecondsSinceEpoch: 1_795_215_273_100_000_000))
      #expect(lines[1].position == nil)
      #expect(decoder.finish().isEmpty)
    }
  }

  @Test func `a line in several messages is one line, apart from the other stream's`() throws {
    var decoder = LogDecoder(isRaw: false)
    let first = FakeEngineTests.frame(1, "2026-11-20T22:54:33.1Z long ")
    let between = FakeEngineTests.frame(2, "2026-11-20T22:54:33.2Z err\n")
    let second = FakeEngineTests.frame(1, "2026-11-20T22:54:33.1Z line\n")
    #expect(try decoder.receive(first + between + second).map(\.text) == ["err", "long line"])
  }

  private static func line(_ stream: OutputStream, _ time: Int64, _ text: String) -> OutputLine {
    OutputLine(stream: stream, bytes: Array(text.utf8), position: LogPosition(nanosecondsSinceEpoch: time))
  }

  @Test func `reading goes on after any line of a log, and no line is lost or comes twice`() {
    // `b` stands behind `c`, which is newer; `d` and `e` have one moment; then the engine's clock is set back.
    let second: Int64 = 1_000_000_000
    let base = 100 * second
    let log = [
      Self.line(.standardOutput, base, "a"), Self.line(.standardOutput, base + 3, "c"),
      Self.line(.standardError, base + 1, "b"), Self.line(.standardOutput, base + 5, "d"),
      Self.line(.standardOutput, base + 5, "e"), Self.line(.standardError, base + 4, "f"),
      Self.line(.standardOutput, base + 6 * second, "g"),
    ]
    for count in 0...log.count {
      var cursor = LogCursor()
      for line in log.prefix(count) { cursor.pass(line) }
      let since = cursor.since?.nanosecondsSinceEpoch ?? 0
      #expect(since <= base + second)
      var rereading = LogRereading(from: cursor)
      let rest = log.filter { ($0.position?.nanosecondsSinceEpoch ?? 0) >= since && rereading.isNew($0) }
      #expect(rest.map(\.text) == log.dropFirst(count).map(\.text), "behind \(count) lines")
    }
    var cursor = LogCursor()
    cursor.pass(Self.line(.standardOutput, base, "old"))
    var rereading = LogRereading(from: cursor)
    let isSetBackNew = [base + 1, base - second].map { rereading.isNew(Self.line(.standardOutput, $0, "")) }
    #expect(isSetBackNew == [true, true], "lines are new although the clock was set back")
    var behind = LogRereading(from: LogCursor(behind: LogPosition(nanosecondsSinceEpoch: base)))
    let isBehindNew = [base, base + 1].map { behind.isNew(Self.line(.standardError, $0, "")) }
    #expect(isBehindNew == [false, true])
  }

  @Test func `what is no frame is refused, and lines have a limit`() throws {
    var decoder = LogDecoder(isRaw: false)
    #expect(throws: DockerEngineError.self) { try decoder.receive(Array("HTTP/1.1 200".utf8)) }
    var huge = LogDecoder(isRaw: false)
    #expect(throws: DockerEngineError.self) { try huge.receive([1, 0, 0, 0, 0x7F, 0, 0, 0]) }
    var raw = LogDecoder(isRaw: true)
    let lines = try raw.receive([UInt8](repeating: 0x61, count: 3 * OutputLine.limitBytes)) + raw.finish()
    #expect(lines.reduce(0) { $0 + $1.bytes.count } == 3 * OutputLine.limitBytes)
    #expect(lines.allSatisfy { $0.bytes.count <= OutputLine.limitBytes + 64 })
  }

  @Test func `a terminal's lines lose their carriage return`() throws {
    var decoder = LogDecoder(isRaw: true)
    let lines =
      try decoder.receive(Array("2026-11-20T22:54:33.1Z a\r\n2026-11-20T22:54:33.2Z b".utf8)) + decoder.finish()
    #expect(lines.map(\.text) == ["a", "b"])
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
      ("2026-11-20T22:54:33.784380072Z", 1_795_215_273_784_380_072),
      ("2026-11-20T23:54:33+01:00", 1_795_215_273_000_000_000),
      ("0001-01-01T00:00:00Z", nil), ("yesterday", nil), ("2026-13-20T22:54:33Z", nil), ("2026-11-20T22:54:33.Z", nil),
    ] as [(String, Int64?)]
  )
  func `times are RFC 3339`(text: String, expected: Int64?) {
    #expect(EngineTime.nanosecondsSinceEpoch(text) == expected)
  }

  @Test(arguments: [
    #"{"a":[1,-2.5e3,true,false,null,"x\"\\/\n\u00e9\ud83d\ude00"],"b":{}}"#, "[]", " 7 ", #""x""#,
  ])
  func `JSON is read and written`(text: String) throws {
    let value = try JSONValue(parsing: text.utf8)
    #expect(try JSONValue(parsing: value.compactText.utf8) == value)
    #expect(try JSONValue(parsing: value.prettyText().utf8) == value)
  }

  @Test(arguments: [
    "", "{", "[1,", "{\"a\" 1}", "tru", "\"x", "1 2", "[1,]", "{,}", "\"\\x\"", "\"\\u12\"", "nul", "-",
  ])
  func `what is no JSON is refused`(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
  }

  @Test func `nesting has a limit`() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000).utf8) }
  }

  @Test func `objects keep their order and are printed like docker's`() throws {
    let value = try JSONValue(parsing: #"{"b":1,"a":[{"x":"y"},[]]}"#.utf8)
    #expect(
      value.prettyText() == """
        {
            "b": 1,
            "a": [
                {
                    "x": "y"
                },
                []
            ]
        }
        """
    )
  }
}
