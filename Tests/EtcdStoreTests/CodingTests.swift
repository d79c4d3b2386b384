// SPDX-License-Identifier: Apache-2.0
import TestKit
import Testing

@testable import EtcdStore

struct StoreCommandCodingTests {
  @Test func `every command is read back as it was written`() throws {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<2_000 {
      let command = RandomWrites.command(
        &generator,
        index: EtcdIndex(.random(in: 0...1_000_000_000, using: &generator))
      )
      #expect(try StoreCommand(decoding: command.encoded()) == command)
    }
    let extremes: [StoreCommand] = [
      .expire(through: Timestamp(nanosecondsSinceEpoch: .min)),
      .expire(through: Timestamp(nanosecondsSinceEpoch: .max)),
      .write(key: "/é\u{301}", .set(value: "\u{0}\u{10FFFF}", isDirectory: true, ttl: .seconds(.max), refresh: true)),
      .write(key: "/", .compareAndDelete(comparison: Comparison(previousIndex: EtcdIndex(.max)))),
      .refresh((0..<KeyRefresh.maximumBatch).map { KeyRefresh(key: "/\($0)", ttlSeconds: .max) }),
    ]
    for command in extremes {
      #expect(try StoreCommand(decoding: command.encoded()) == command)
    }
  }

  @Test func `a cut or changed command is refused or another command, never a crash`() {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<300 {
      let bytes = RandomWrites.command(&generator, index: EtcdIndex(500)).encoded()
      for length in 0..<bytes.count {
        #expect(throws: StoreDecodingError.self) { try StoreCommand(decoding: bytes.prefix(length)) }
      }
      for position in bytes.indices {
        var changed = bytes
        changed[position] = UInt8.random(in: 0...255, using: &generator)
        _ = try? StoreCommand(decoding: changed)
      }
    }
  }

  @Test func `random bytes are no command`() {
    var generator = SeededGenerator(seed: 13)
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...40, using: &generator)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      if count > 1 {
        bytes[0] = 1
        bytes[1] %= 11
      }
      _ = try? StoreCommand(decoding: bytes)
    }
  }

  @Test func `damage is named`() {
    #expect(throws: StoreDecodingError.truncated(atByte: 0)) { try StoreCommand(decoding: []) }
    #expect(throws: StoreDecodingError.unsupportedFormat(9)) { try StoreCommand(decoding: [9, 1]) }
    #expect(throws: StoreDecodingError.malformed(field: "command kind", atByte: 1)) {
      try StoreCommand(decoding: [1, 200])
    }
    // A delete of /a whose key claims to be larger than any key.
    #expect(throws: StoreDecodingError.tooLarge(field: "key", limitBytes: NodeKey.maximumBytes)) {
      try StoreCommand(decoding: [1, 6, 0xFF, 0xFF, 0xFF, 0x0F, 0x2F])
    }
    // A batch of no refresh, and one of more than there may be.
    for count: [UInt8] in [[0], [0x81, 0x08]] {
      #expect(throws: StoreDecodingError.malformed(field: "refresh count", atByte: 2)) {
        try StoreCommand(decoding: [1, 9] + count + [2, 0x2F, 0x61, 3])
      }
    }
    let command = StoreCommand.write(key: "/a", .delete(isDirectory: false, recursive: false))
    #expect(throws: StoreDecodingError.trailingBytes(atByte: command.encoded().count)) {
      try StoreCommand(decoding: command.encoded() + [0])
    }
  }
}

struct SnapshotTests {
  /// A store with a past.
  private func grownStore(seed: UInt64, commands: Int = 800) -> Store {
    var generator = SeededGenerator(seed: seed)
    var store = Store(historyCapacity: 60)
    for _ in 0..<commands {
      let command = RandomWrites.command(&generator, index: store.etcdIndex)
      _ = store.apply(command, at: RandomWrites.stamp(store.etcdIndex))
    }
    return store
  }

  @Test(arguments: 1...10)
  func `a restored store is the same and goes on the same`(seed: UInt64) throws {
    var store = grownStore(seed: seed)
    var restored = try Store(decodingSnapshot: store.encodeSnapshot())
    #expect(restored.etcdIndex == store.etcdIndex)
    #expect(restored.history == store.history)
    #expect(restored.nextExpiration == store.nextExpiration)
    #expect(restored.stateHash == store.stateHash)
    var generator = SeededGenerator(seed: seed + 100)
    for _ in 0..<300 {
      let command = RandomWrites.command(&generator, index: store.etcdIndex)
      let stamp = RandomWrites.stamp(store.etcdIndex)
      #expect(restored.apply(command, at: stamp) == store.apply(command, at: stamp))
    }
    let read = try store.get("/", recursive: true, at: seconds(0))
    #expect(try restored.get("/", recursive: true, at: seconds(0)) == read)
    #expect(restored.encodeSnapshot() == store.encodeSnapshot())
  }

  @Test func `an empty store has a snapshot too`() throws {
    let restored = try Store(decodingSnapshot: Store().encodeSnapshot())
    #expect(restored.nodeCount == 1)
    #expect(restored.history.capacity == 1_000)
  }

  @Test(arguments: [65_530, 65_536, 70_000, 8_192])
  func `a snapshot whose last event fills a frame is read back`(valueBytes: Int) throws {
    var store = Store()
    for number in 0..<20 {
      let value = String(repeating: "v", count: valueBytes)
      let set = KeysWrite.set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
      _ = store.apply(.write(key: "/k\(number)", set), at: Timestamp(nanosecondsSinceEpoch: 1))
      let restored = try Store(decodingSnapshot: store.encodeSnapshot())
      #expect(restored.stateHash == store.stateHash && restored.history.count == number + 1)
    }
  }

  @Test func `a damaged snapshot is refused`() {
    let bytes = grownStore(seed: 5, commands: 60).encodeSnapshot()
    for length in 0..<bytes.count {
      #expect(throws: StoreDecodingError.self) { try Store(decodingSnapshot: Array(bytes.prefix(length))) }
    }
    for position in bytes.indices {
      var changed = bytes
      changed[position] ^= 0x10
      #expect(throws: StoreDecodingError.self) { try Store(decodingSnapshot: changed) }
    }
    var newer = bytes
    newer[4] = 3
    #expect(throws: StoreDecodingError.unsupportedFormat(3)) { try Store(decodingSnapshot: newer) }
  }

  @Test func `pieces may be cut anywhere`() throws {
    let store = grownStore(seed: 8)
    let bytes = store.encodeSnapshot()
    for size in [1, 7, 4_096, bytes.count] {
      var start = 0
      let restored = try Store(readingSnapshot: {
        guard start < bytes.count else { return nil }
        defer { start += size }
        return Array(bytes[start..<min(bytes.count, start + size)])
      })
      #expect(restored.stateHash == store.stateHash)
    }
  }

  @Test func `a large store is written in frames of bounded size, and is the same afterwards`() throws {
    var store = Store()
    for number in 0..<20_000 { store.set("/d\(number % 50)/k\(number)", String(repeating: "v", count: 40)) }
    var largest = 0
    try store.writeSnapshot { largest = max(largest, $0.count) }
    #expect(largest < 100_000)
    #expect(try Store(decodingSnapshot: store.encodeSnapshot()).stateHash == store.stateHash)
  }

  @Test func `a body that lies is refused or a sound store, though its checksum fits`() {
    var generator = SeededGenerator(seed: 6)
    let bytes = grownStore(seed: 6, commands: 80).encodeSnapshot()
    for _ in 0..<5_000 {
      // One frame, behind five bytes and its header, before the last frame's header.
      var body = Array(bytes[17..<(bytes.count - 12)])
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        body[Int.random(in: body.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let checksum = ContentHash.of(body)
      var hash = ContentHash()
      hash.add(checksum)
      let lying: [UInt8] =
        Array(bytes.prefix(5)) + SnapshotFrames.header(of: body.count, checksum: checksum) + body
        + SnapshotFrames.header(of: 0, checksum: hash.value)
      guard var store = try? Store(decodingSnapshot: lying) else { continue }
      _ = try? store.get("/", recursive: true, sorted: true, at: seconds(0))
      let end = Timestamp(nanosecondsSinceEpoch: .max)
      _ = store.apply(.expire(through: end), at: end)
      store.set("/after", "x")
    }
  }
}
