// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestKit
import Testing

@testable import UnitRunner

@Suite struct JournalTests {
  private func line(_ text: String, at time: Int64 = 1) -> HostedLine {
    HostedLine(epochMicroseconds: time, source: "sh", processID: 7, text: text)
  }

  private func texts(_ reader: JournalReader) -> [String] {
    var result: [String] = []
    while let entry = reader.next() { result.append(entry.text) }
    return result
  }

  @Test func `the last lines are read across the change of files`() async throws {
    try await withTestDirectory { directory in
      let writer = JournalWriter(stateDirectory: directory.path, fileLimitBytes: 500)
      for number in 1...40 { writer.append([line("line \(number)")], to: "a.service") }
      let files = JournalFiles(stateDirectory: directory.path, unit: "a.service")
      #expect(texts(JournalReader(files, lines: 20)) == (21...40).map { "line \($0)" })
      #expect(texts(JournalReader(files, lines: 0)).isEmpty)
      #expect(texts(JournalReader(files, lines: 1)) == ["line 40"])
    }
  }

  @Test func `a reader that follows loses nothing when files change`() async throws {
    try await withTestDirectory { directory in
      let writer = JournalWriter(stateDirectory: directory.path, fileLimitBytes: 300)
      let files = JournalFiles(stateDirectory: directory.path, unit: "a.service")
      let reader = JournalReader(files, lines: 10)
      #expect(reader.next() == nil)
      var seen: [String] = []
      for number in 1...50 {
        writer.append([line("\(number)")], to: "a.service")
        if number % 3 == 0 { seen += texts(reader) }
      }
      seen += texts(reader)
      #expect(seen == (1...50).map { "\($0)" })
    }
  }

  @Test func `journals never take more than two files`() async throws {
    try await withTestDirectory { directory in
      let writer = JournalWriter(stateDirectory: directory.path, fileLimitBytes: 1000)
      for number in 1...500 { writer.append([line("line \(number)")], to: "a.service") }
      let files = JournalFiles(stateDirectory: directory.path, unit: "a.service")
      #expect(directoryEntries(files.directory).sorted() == ["current", "previous"])
    }
  }

  @Test func `lines are cut at newlines and long ones into pieces`() {
    var splitter = LineSplitter()
    #expect(splitter.take(Array("one\ntw".utf8)[...]) == ["one"])
    #expect(splitter.take(Array("o\n\nthree".utf8)[...]) == ["two", ""])
    #expect(splitter.finish() == "three")
    #expect(splitter.finish() == nil)
    let long = splitter.take(Array(repeating: UInt8(ascii: "x"), count: JournalFiles.lineLimitBytes + 5)[...])
    #expect(long.map(\.utf8.count) == [JournalFiles.lineLimitBytes])
    #expect(splitter.finish() == "xxxxx")
  }

  @Test func `an entry survives being written and read`() {
    var bytes: [UInt8] = []
    JournalFiles.encode(line("tabs\tand\nnewlines", at: 42), into: &bytes)
    let entry = JournalFiles.decode(bytes.dropLast())
    #expect(entry == JournalEntry(epochMicroseconds: 42, source: "sh", processID: 7, text: "tabs\tand newlines"))
    #expect(JournalFiles.decode(Array("garbage".utf8)[...]) == nil)
  }
}
