// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import Testing
import Units

@Suite struct JournalJSONTests {
  private let record = JournalRecord(
    position: JournalPosition(rawValue: 17),
    epochMicroseconds: 16,
    machineID: "m1",
    unit: "a.service",
    invocation: "beef",
    level: 4,
    processID: 7,
    identifier: "sh",
    message: Array("ü".utf8)
  )

  @Test func `an entry has its fields in the order of their names`() throws {
    #expect(
      record.json.text == """
        {"cursor":"17","epochMicroseconds":16,"identifier":"sh","invocation":"beef","level":4,"machineID":"m1",\
        "message":"ü","processID":7,"stream":"stdout","unit":"a.service"}
        """
    )
    #expect(JournalRecord(json: record.json) == record)
  }

  @Test func `a message that is no UTF-8 survives`() throws {
    var odd = record
    odd.message = [0xff, 10, 0]
    odd.stream = .coracle
    #expect(odd.json.text.contains(#""messageBytes":[255,10,0]"#))
    let text = odd.json.text
    #expect(JournalRecord(json: try JSONValue.parse(Array(text.utf8))) == odd)
  }

  @Test func `a mark is no entry, and an entry no mark`() {
    let mark = JournalMark(cursor: JournalPosition(rawValue: 5), end: JournalPosition(rawValue: 9), isAtEnd: true)
    #expect(mark.json.text == #"{"end":"9","isAtEnd":true,"next":"5"}"#)
    #expect(JournalMark(json: mark.json) == mark)
    #expect(JournalRecord(json: mark.json) == nil)
    #expect(JournalMark(json: record.json) == nil)
  }
}
