// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import EtcdStore

/// Random histories on the store and on the naive model.
struct StoreModelTests {
  @Test(arguments: 1...20)
  func `the store does what the model does`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var store = Store(historyCapacity: 50)
    var model = StoreModel()
    for _ in 0..<1_500 {
      let command = RandomWrites.command(&generator, index: store.etcdIndex)
      let stamp = RandomWrites.stamp(store.etcdIndex)
      let outcome = store.apply(command, at: stamp)
      switch (outcome.result, model.apply(command, at: stamp)) {
      case (.failure(let error)?, .failure(let expected)):
        #expect(StoreModel.Failure.refused(error.code.rawValue, error.cause) == expected)
        #expect(error.index == store.etcdIndex)
        #expect(outcome.changes.isEmpty)
      case (.success?, .success(let changes)), (nil, .success(let changes)):
        #expect(outcome.events.map(modelled) == changes)
      default:
        Issue.record("\(command) gave \(outcome)")
        return
      }
      #expect(store.etcdIndex.rawValue == model.index)
      #expect(store.nodeCount == model.nodes.count)
    }
    try compareTrees(store, model)
    #expect(store.history.events.map(modelled) == Array(model.changes.suffix(50)))
  }

  @Test func `a batch of refreshes does what as many updates do, and answers each`() {
    var generator = SeededGenerator(seed: 4)
    var (batched, single) = (Store(), Store())
    var (answered, refused) = (0, 0)
    for _ in 0..<1_000 {
      let stamp = RandomWrites.stamp(batched.etcdIndex)
      let command = RandomWrites.command(&generator, index: batched.etcdIndex)
      _ = batched.apply(command, at: stamp)
      _ = single.apply(command, at: stamp)
      let refreshes = RandomWrites.refreshes(&generator)
      let outcome = batched.apply(.refresh(refreshes), at: stamp)
      let outcomes = refreshes.map { refresh in
        let write = KeysWrite.update(value: nil, ttl: .seconds(refresh.ttlSeconds), refresh: true)
        return single.apply(.write(key: refresh.key, write), at: stamp)
      }
      #expect(outcome.result == nil)
      #expect(outcome.refreshed == outcomes.compactMap(\.result))
      #expect(outcome.changes == outcomes.flatMap(\.changes))
      #expect(outcome.events.count(where: { !$0.isRefresh }) == 0, "no watcher is woken")
      answered += outcome.changes.count
      refused += refreshes.count - outcome.changes.count
    }
    #expect(answered > 100 && refused > 100)
    #expect(batched.stateHash == single.stateHash)
    #expect(batched.statistics == single.statistics)
    #expect(Array(batched.history.events) == Array(single.history.events))
  }

  @Test func `two stores with the same commands have the same hash, other ones do not`() {
    var generator = SeededGenerator(seed: 3)
    var first = Store()
    var second = Store()
    for _ in 0..<500 {
      let command = RandomWrites.command(&generator, index: first.etcdIndex)
      let stamp = RandomWrites.stamp(first.etcdIndex)
      _ = first.apply(command, at: stamp)
      _ = second.apply(command, at: stamp)
      second.statistics.countRead(succeeded: true)
    }
    #expect(first.stateHash == second.stateHash)
    second.set("/one-more", "x")
    #expect(first.stateHash != second.stateHash)
  }

  private func compareTrees(_ store: Store, _ model: StoreModel) throws {
    for (key, expected) in model.nodes where key != "/" {
      let node = try store.get(key, at: seconds(0)).node
      #expect(modelled(node) == expected)
      let children = model.below(key).filter { child in
        !child.dropFirst(key.count + 1).contains("/") && !child.dropFirst(key.count + 1).hasPrefix("_")
      }
      #expect(try store.keys(key, recursive: false, sorted: true) == (expected.value == nil ? children : []))
    }
  }

  private func modelled(_ event: Event) -> StoreModel.Change {
    let removes: [EventAction] = [.delete, .compareAndDelete, .expire]
    return StoreModel.Change(
      action: event.action,
      key: event.node.key,
      node: removes.contains(event.action) ? nil : modelled(event.node),
      previous: event.previousNode.map(modelled),
      refresh: event.isRefresh
    )
  }

  private func modelled(_ node: NodeView) -> StoreModel.Node {
    StoreModel.Node(
      value: node.value,
      created: node.createdIndex.rawValue,
      modified: node.modifiedIndex.rawValue,
      expiration: node.expiration?.nanosecondsSinceEpoch
    )
  }
}
