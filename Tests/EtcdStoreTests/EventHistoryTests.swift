// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import EtcdStore

struct EventHistoryTests {
  @Test func `the newest events are kept and found by their index`() {
    var store = Store(historyCapacity: 3)
    #expect(store.history.oldestIndex == nil)
    for number in 1...5 { store.set("/a", "\(number)") }
    #expect(store.history.count == 3)
    #expect(store.history.oldestIndex == EtcdIndex(3))
    #expect(store.history.newestIndex == EtcdIndex(5))
    #expect(store.history.events.map(\.node.value) == ["3", "4", "5"])
    #expect(store.history.event(at: EtcdIndex(2)) == nil)
    #expect(store.history.event(at: EtcdIndex(4))?.node.value == "4")
    #expect(store.history.event(at: EtcdIndex(6)) == nil)
  }

  @Test func `a thousand events are kept by default, of all kinds`() {
    var store = Store()
    for number in 0..<1_500 { store.set("/_hidden", "\(number)") }
    #expect(store.history.count == 1_000)
    #expect(store.history.oldestIndex == EtcdIndex(501))
  }
}
