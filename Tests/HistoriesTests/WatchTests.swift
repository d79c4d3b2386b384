// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Histories
import Testing

struct WatchTests {
  typealias Make = HistoryFixture

  /// Five changes of `/d/x`, one of `/e`, in turn.
  private static let sequence = {
    var sequence = EventSequence()
    for index in 1...5 as ClosedRange<UInt64> { sequence.add(change(index)) }
    sequence.add(Make.event(.set, Make.file("/e", "other", created: 6, modified: 6)))
    sequence.noteComplete(EtcdIndex(1)...EtcdIndex(6))
    return sequence
  }()

  private static func change(_ index: UInt64) -> Event {
    let before = index == 1 ? nil : Make.file("/d/x", "v\(index - 1)", created: index - 1, modified: index - 1)
    return Make.event(.set, Make.file("/d/x", "v\(index)", created: index, modified: index), before)
  }

  private func watch(_ events: [Event], from index: UInt64? = 1, key: String = "/d", stream: Bool = true)
    -> RecordedWatch
  {
    let start = index.map { EtcdIndex($0) }
    var watch = RecordedWatch(client: 1, member: "m1#1", key: key, recursive: true, waitIndex: start, stream: stream)
    watch.startedIndex = EtcdIndex(0)
    watch.events = events
    return watch
  }

  private func rule(_ watch: RecordedWatch, through index: UInt64? = nil) -> String? {
    WatchCheck(Self.sequence, deliveredThrough: index.map { EtcdIndex($0) }).check([watch])?.rule
  }

  @Test func `a watch that got all is well`() {
    #expect(rule(watch((1...5).map(Self.change))) == nil)
    #expect(rule(watch((3...5).map(Self.change), from: 3), through: 6) == nil)
    #expect(rule(watch([Self.change(2)], from: 2, stream: false), through: 6) == nil, "one event was wanted")
  }

  @Test func `a missing event is found`() {
    #expect(rule(watch([Self.change(1), Self.change(3)])) == "watches have no gaps")
    #expect(rule(watch([Self.change(2)])) == "watches have no gaps", "the first one")
    #expect(rule(watch((1...4).map(Self.change)), through: 6) == "watches have no gaps", "the last one")
    #expect(rule(watch((1...4).map(Self.change))) == nil, "nobody said that the last one must have come")
    #expect(rule(watch([Self.change(2)], from: 1, stream: false)) == "watches have no gaps")
  }

  @Test func `an event twice, out of order or out of place is found`() {
    #expect(rule(watch([Self.change(1), Self.change(1)])) == "watch events come once")
    #expect(rule(watch([Self.change(2), Self.change(1)])) == "watch order")
    #expect(rule(watch([Self.change(2)], from: 3)) == "watch order")
    #expect(rule(watch([Self.change(1), Self.change(2)], stream: false)) == "watch events come once")
    #expect(rule(watch([Self.change(1)], key: "/e")) == "watch content")
  }

  @Test func `an event that did not happen so is found`() {
    var changed = Self.change(2)
    changed.previousNode?.value = "other"
    #expect(rule(watch([Self.change(1), changed])) == "watch content")
    let invented = Make.event(.set, Make.file("/d/y", "v", created: 6, modified: 6))
    #expect(rule(watch((1...5).map(Self.change) + [invented])) == "watch content")
  }

  @Test func `hidden keys are not missed, and prefixes are no directories`() {
    var sequence = EventSequence()
    sequence.add(Make.event(.set, Make.file("/d/_hidden", "v", created: 1, modified: 1)))
    sequence.add(Make.event(.set, Make.file("/dx", "v", created: 2, modified: 2)))
    sequence.noteComplete(EtcdIndex(1)...EtcdIndex(2))
    #expect(WatchCheck(sequence, deliveredThrough: EtcdIndex(2)).check([watch([])]) == nil)
  }

  @Test func `a sequence with a wrong node before is found`() {
    #expect(Self.sequence.firstWrongPrevious() == nil)
    var sequence = Self.sequence
    var changed = Self.change(4)
    changed.previousNode = Self.change(2).node
    sequence.add(changed)
    #expect(sequence.firstWrongPrevious()?.rule == "previous nodes")
  }
}
