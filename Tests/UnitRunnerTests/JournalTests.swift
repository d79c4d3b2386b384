// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit
import Testing
import Units

@testable import UnitRunner

/// Journals on real files.
@Suite struct JournalTests {
  /// Writes and reads the journal of a directory of its own.
  private struct Journal {
    let places: JournalPlaces
    var writer: JournalWriter

    init(_ directory: URL, _ retention: JournalRetention = JournalRetention()) {
      places = JournalPlaces(stateDirectory: directory.path)
      writer = JournalWriter(places: places, retention: retention)
      writer.machineID = "m1"
    }

    mutating func write(_ text: String, to unit: String = "a.service", at time: Int64? = nil) {
      write(Array(text.utf8), to: unit, at: time)
    }

    mutating func write(_ message: [UInt8], to unit: String = "a.service", at time: Int64? = nil) {
      let draft = JournalDraft(epochMicroseconds: time ?? epochMicroseconds(), identifier: "sh", message: message)
      writer.append([draft], to: unit)
    }

    func reader(
      _ units: [String] = ["a.service"],
      after: JournalPosition? = nil,
      since: Int64? = nil,
      until: Int64? = nil,
      lines: Int? = nil,
      follows: Bool = false
    ) -> JournalReader {
      JournalReader(
        places: places,
        machineID: "other",
        request: JournalReader.Request(
          selection: JournalSelection(units),
          after: after,
          sinceMicroseconds: since,
          untilMicroseconds: until,
          lines: lines,
          follows: follows
        )
      )
    }
  }

  /// What there is to read now.
  private func records(_ reader: inout JournalReader) -> [JournalRecord] {
    var records: [JournalRecord] = []
    while true {
      let batch = reader.read()
      records += batch.records
      if batch.isAtEnd { return records }
    }
  }

  private func texts(_ reader: JournalReader) -> [String] {
    var reader = reader
    return records(&reader).map(\.text)
  }

  // MARK: Entries

  @Test func `an entry comes back with all its fields, byte for byte`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      let message: [UInt8] = Array("a\tb\\n\nc".utf8) + [0, 0xff, 0xfe]
      let draft = JournalDraft(
        epochMicroseconds: 1_795_780_800_123_456,
        level: 3,
        stream: .coracle,
        processID: 7,
        invocation: "0123456789abcdef0123456789abcdef",
        identifier: "my\tprogram",
        message: message
      )
      journal.writer.append([draft], to: "a.service")
      var reader = journal.reader()
      let read = try #require(records(&reader).first)
      #expect(
        read
          == JournalRecord(
            position: read.position,
            epochMicroseconds: 1_795_780_800_123_456,
            machineID: "m1",
            unit: "a.service",
            invocation: "0123456789abcdef0123456789abcdef",
            stream: .coracle,
            level: 3,
            processID: 7,
            identifier: "my program",
            message: message
          )
      )
    }
  }

  @Test func `the longest message is read whole, in whatever block it falls`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      let long = [UInt8](repeating: UInt8(ascii: "\\"), count: JournalCoding.messageLimitBytes)
      for number in 1...3 {
        journal.write("\(number)")
        journal.write(long)
      }
      var reader = journal.reader()
      #expect(records(&reader).map(\.message.count) == [1, long.count, 1, long.count, 1, long.count])
      #expect(texts(journal.reader(lines: 2)).map(\.utf8.count) == [1, long.count])
    }
  }

  @Test func `lines are cut at newlines and long ones into pieces`() {
    var splitter = LineSplitter()
    func take(_ text: String) -> [String] {
      splitter.take(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(take("one\ntw") == ["one"])
    #expect(take("o\n\nthree") == ["two", ""])
    #expect(splitter.finish() == Array("three".utf8))
    #expect(splitter.finish() == nil)
    let long = splitter.take(Array(repeating: UInt8(ascii: "x"), count: JournalCoding.messageLimitBytes + 5)[...])
    #expect(long.map(\.count) == [JournalCoding.messageLimitBytes])
    #expect(splitter.finish() == Array("xxxxx".utf8))
  }

  // MARK: Reading

  @Test func `several units are read in the order in which their entries were written`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      for number in 1...900 { journal.write("\(number)", to: "web@\(number % 7).service") }
      journal.write("other", to: "db.service")
      #expect(texts(journal.reader(["web@.service"])) == (1...900).map { "\($0)" })
      #expect(texts(journal.reader(["web@.service"], lines: 20)) == (881...900).map { "\($0)" })
      #expect(texts(journal.reader(["*"], lines: 2)) == ["900", "other"])
      #expect(texts(journal.reader(["*"], lines: 0)).isEmpty)
      #expect(texts(journal.reader(["none.service"])).isEmpty)
    }
  }

  @Test func `a cursor goes on behind the last entry, over a new file and a new writer`() async throws {
    try await withTestDirectory { directory in
      let retention = JournalRetention(unitBytes: 40_000)
      var journal = Journal(directory, retention)
      for number in 1...150 { journal.write("line \(number)") }
      var cursor: JournalPosition?
      for round in 0..<5 {
        var reader = journal.reader(after: cursor)
        let read = records(&reader)
        #expect(read.map(\.text) == (round * 150 + 1...(round + 1) * 150).map { "line \($0)" })
        #expect(reader.read().cursor >= read.last?.position ?? .end)
        cursor = reader.read().cursor
        if round == 2 { journal = Journal(directory, retention) }
        for number in (round + 1) * 150 + 1...(round + 2) * 150 { journal.write("line \(number)") }
      }
      #expect(journal.places.segments(of: "a.service").count > 2)
    }
  }

  @Test func `any position of a long file is found`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory, JournalRetention(unitBytes: 64 << 20))
      let padding = String(repeating: "x", count: 900)
      for number in 1...2_000 { journal.write("\(number) \(padding)") }
      var reader = journal.reader()
      let all = records(&reader)
      #expect(all.count == 2_000)
      for index in stride(from: 0, to: 1_990, by: 97) {
        var from = journal.reader(after: all[index].position)
        #expect(from.read().records.first == all[index + 1])
      }
    }
  }

  @Test func `times limit what is read, and last lines are the last of those`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      for number in 1...100 { journal.write("\(number)", at: Int64(number) * 1_000) }
      #expect(texts(journal.reader(since: 90_000)) == (90...100).map { "\($0)" })
      #expect(texts(journal.reader(until: 3_000)) == ["1", "2", "3"])
      #expect(texts(journal.reader(since: 10_000, until: 20_000, lines: 2)) == ["19", "20"])
      #expect(texts(journal.reader(since: 1_000_000)).isEmpty)
    }
  }

  @Test func `a reader that follows loses nothing when files change and units appear`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory, JournalRetention(unitBytes: 4_000))
      journal.write("before")
      var reader = journal.reader(["*"], lines: 0, follows: true)
      #expect(records(&reader).isEmpty)
      var seen: [String] = []
      for number in 1...200 {
        journal.write("\(number)", to: "u\(number / 40).service")
        if number % 3 == 0 { seen += records(&reader).map(\.text) }
      }
      seen += records(&reader).map(\.text)
      #expect(seen == (1...200).map { "\($0)" })
    }
  }

  @Test func `an entry that may have earlier ones beside it waits until all are written`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      journal.write("1")
      let committed = try #require(journal.places.committedPosition())
      // What another unit got, before the position of it is written down.
      var bytes = JournalCoding.header(machineID: "m1", unit: "b.service")
      let later = JournalPosition(rawValue: committed.rawValue + 1)
      JournalCoding.encode(JournalDraft(saying: "2", atMicroseconds: 1), at: later, into: &bytes)
      #expect(makeDirectories(journal.places.directory(of: "b.service")))
      let path = journal.places.path(JournalPlaces.segmentName(first: later), of: "b.service")
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      var reader = journal.reader(["*"], follows: true)
      #expect(records(&reader).map(\.text) == ["1"])
      journal.write("3")
      #expect(records(&reader).map(\.text) == ["2", "3"])
    }
  }

  // MARK: Crashes

  @Test func `a torn entry is all that a crash costs`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      journal.write("first")
      journal.write("torn")
      let name = try #require(journal.places.segments(of: "a.service").last)
      let path = journal.places.path(name, of: "a.service")
      let size = try #require(readFile(path, limitBytes: 1 << 20)).count
      #expect(truncate(path, off_t(size - 3)) == 0)
      #expect(texts(journal.reader()) == ["first"])
      var reader = journal.reader(follows: true)
      #expect(records(&reader).map(\.text) == ["first"])
      journal = Journal(directory)
      journal.write("after")
      #expect(records(&reader).map(\.text) == ["after"])
      #expect(texts(journal.reader()) == ["first", "after"])
      #expect(journal.places.segments(of: "a.service") == [name])
    }
  }

  @Test func `garbage in a file is passed over`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      journal.write("first")
      let name = try #require(journal.places.segments(of: "a.service").last)
      let path = journal.places.path(name, of: "a.service")
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.seekToEnd()
      try file.write(contentsOf: Data([0, 0, 0, 10, 49, 9, 10] + Array("x\ty\tz\n".utf8)))
      try file.close()
      journal = Journal(directory)
      journal.write("after")
      #expect(texts(journal.reader()) == ["first", "after"])
      #expect(texts(journal.reader(lines: 2)) == ["first", "after"])
    }
  }

  @Test func `entries that could not be written are counted in their place`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      let inTheWay = journal.places.directory(of: "a.service")
      #expect(makeDirectories(journal.places.directory))
      try Data().write(to: URL(fileURLWithPath: inTheWay))
      for number in 1...3 { journal.write("\(number)") }
      #expect(unlink(inTheWay) == 0)
      journal.write("4")
      journal.write("5")
      #expect(texts(journal.reader()) == ["3 entries were lost: they could not be written", "4", "5"])
    }
  }

  @Test func `of a unit that is gone only its entries are kept`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory)
      for unit in ["a.service", "b.service"] { journal.write("1", to: unit) }
      journal.writer.forget("a.service")
      #expect(journal.writer.unitsInMind == 1)
      journal.write("2")
      #expect(texts(journal.reader()) == ["1", "2"])
      #expect(journal.writer.places.segments(of: "a.service").count == 1)
    }
  }

  @Test func `many lines go to the unit-host in pieces that each fit into a message`() throws {
    // The longest that JSON makes of a byte.
    let text = String(repeating: "\u{1}", count: 48 << 10)
    var lines = (0..<60).map { HostedLine(epochMicroseconds: $0, source: "sh", text: text) }
    lines += (0..<5_000).map { HostedLine(epochMicroseconds: $0, source: "sh", text: "") }
    let pieces = HostedLine.pieces(lines)
    #expect(pieces.flatMap { $0 } == lines)
    for piece in pieces {
      let data = try JSONEncoder().encode(HostRequest.journal(unit: "a.service", lines: Array(piece)))
      #expect(data.count <= FrameConnection.frameLimitBytes)
    }
    #expect(HostedLine.pieces([]).isEmpty)
    #expect(HostedLine.pieces([HostedLine(epochMicroseconds: 0, source: "sh", text: "x")]).count == 1)
  }

  @Test func `positions go on when the clock was set back`() async throws {
    try await withTestDirectory { directory in
      let places = JournalPlaces(stateDirectory: directory.path)
      let future = UInt64(epochMicroseconds() + 3_600_000_000)
      try withUnsafeBytes(of: future.littleEndian) { Data($0) }
        .write(to: URL(fileURLWithPath: places.positionFile))
      var journal = Journal(directory)
      journal.write("1")
      journal.write("2")
      var reader = journal.reader()
      #expect(records(&reader).map(\.position.rawValue) == [Int64(future) + 1, Int64(future) + 2])
    }
  }

  @Test func `what an older program wrote is read, before what is written now`() async throws {
    try await withTestDirectory { directory in
      let places = JournalPlaces(stateDirectory: directory.path)
      #expect(makeDirectories(places.directory(of: "a.service")))
      func put(_ lines: [(Int64, String)], in name: String) throws {
        let text = lines.map { "\($0.0)\t7\tsh\t\($0.1)\n" }.joined()
        try Data(text.utf8).write(to: URL(fileURLWithPath: places.path(name, of: "a.service")))
      }
      let year2026: Int64 = 1_790_000_000_000_000
      try put([(year2026, "1\twith a tab"), (year2026 + 1, "2")], in: "previous")
      try put([(year2026 + 2, "3")], in: "current")
      #expect(texts(Journal(directory).reader(lines: 2)) == ["2", "3"])
      var journal = Journal(directory)
      journal.write("4")
      #expect(texts(journal.reader()) == ["1\twith a tab", "2", "3", "4"])
      #expect(texts(journal.reader(lines: 3)) == ["2", "3", "4"])
      #expect(texts(journal.reader(after: JournalPosition(rawValue: year2026 + 1))) == ["3", "4"])
      var reader = journal.reader()
      let first = try #require(records(&reader).first)
      #expect(first.processID == 7 && first.identifier == "sh" && first.epochMicroseconds == year2026)
    }
  }

  // MARK: Limits

  @Test func `a unit keeps what its limit allows, of its latest`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory, JournalRetention(unitBytes: 8_000))
      for number in 1...2_000 { journal.write("line \(number)") }
      let kept = texts(journal.reader())
      #expect(kept.last == "line 2000")
      #expect(kept == (2_001 - kept.count...2_000).map { "line \($0)" })
      let bytes = journal.places.segments(of: "a.service").reduce(0) { sum, name in
        sum + (readFile(journal.places.path(name, of: "a.service"), limitBytes: 1 << 20)?.count ?? 0)
      }
      #expect((6_000...10_200).contains(bytes))
    }
  }

  @Test func `a machine keeps what its limit allows, units that are gone lose theirs first`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory, JournalRetention(unitBytes: 8_000, machineBytes: 16_000))
      for number in 1...50 { journal.write("line \(number)", to: "gone.service") }
      let name = try #require(journal.places.segments(of: "gone.service").last)
      age(journal.places.path(name, of: "gone.service"), bySeconds: 60)
      for number in 1...500 {
        for unit in ["a", "b", "c"] { journal.write("line \(number)", to: "\(unit).service") }
      }
      journal.writer.sweep(epochMicroseconds() / 1_000_000)
      #expect(journal.places.units() == ["a.service", "b.service", "c.service"])
      journal.write("back", to: "gone.service")
      #expect(texts(journal.reader(["gone.service"])) == ["back"])
    }
  }

  @Test func `entries that are too old go, and the unit goes on`() async throws {
    try await withTestDirectory { directory in
      var journal = Journal(directory, JournalRetention(ageSeconds: 1_000))
      journal.write("old")
      let name = try #require(journal.places.segments(of: "a.service").last)
      age(journal.places.path(name, of: "a.service"), bySeconds: 1_001)
      var reader = journal.reader(follows: true)
      #expect(records(&reader).map(\.text) == ["old"])
      journal.writer.sweep(epochMicroseconds() / 1_000_000)
      #expect(journal.places.units().isEmpty)
      journal.write("new")
      #expect(texts(journal.reader()) == ["new"])
      // Whoever was reading the file that was removed goes on in the next.
      #expect(records(&reader).map(\.text) == ["new"])
    }
  }

  private func age(_ path: String, bySeconds seconds: Int) {
    var times = [timespec(), timespec()]
    clock_gettime(CLOCK_REALTIME, &times[0])
    times[0].tv_sec -= seconds
    times[1] = times[0]
    #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
  }
}
