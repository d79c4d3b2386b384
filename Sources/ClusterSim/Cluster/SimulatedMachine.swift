// SPDX-License-Identifier: Apache-2.0

import Raft

/// The state machine of the simulation: a few registers, and a digest of everything ever applied.
struct SimulatedMachine: StateMachine {
  static let keyCount = 4

  /// The last entry applied.
  private(set) var index = LogIndex.zero
  /// The id of the write that each register was last set by.
  private(set) var registers = [UInt64](repeating: 0, count: keyCount)
  /// Equal exactly when the same entries were applied in the same order.
  private(set) var digest = Digest()
  /// Makes snapshots longer than one piece.
  private var padding: [UInt8] = []

  mutating func apply(_ entry: Entry) -> UInt64? {
    precondition(entry.index == index.next, "entries are applied in order, each once")
    index = entry.index
    digest.add(entry.encoded())
    guard entry.kind == .command, let write = SimulatedWrite(entry.data) else { return nil }
    registers[write.key] = write.id
    if padding.count < 2_000 { padding.append(UInt8(truncatingIfNeeded: write.id)) }
    return write.id
  }

  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    let numbers = [index.rawValue, digest.value] + registers
    for number in numbers { try write(number.bytes) }
    try write(padding)
  }

  mutating func restore(_ metadata: SnapshotMetadata, read: () throws -> [UInt8]?) throws {
    var bytes: [UInt8] = []
    while let piece = try read() { bytes += piece }
    let numbers = (0..<2 + Self.keyCount).map { UInt64(bytes: bytes[$0 * 8..<$0 * 8 + 8]) }
    index = LogIndex(numbers[0])
    precondition(index == metadata.index, "a snapshot is of the index that it says")
    digest = Digest(value: numbers[1])
    registers = Array(numbers[2...])
    padding = Array(bytes[(numbers.count * 8)...])
  }
}

/// A client's write: sets a register to the write's own unique id.
struct SimulatedWrite {
  var id: UInt64
  var key: Int
  var paddingBytes = 0

  init(id: UInt64, key: Int, paddingBytes: Int) {
    self.id = id
    self.key = key
    self.paddingBytes = paddingBytes
  }

  init?(_ data: [UInt8]) {
    guard data.count >= 9, Int(data[8]) < SimulatedMachine.keyCount else { return nil }
    id = UInt64(bytes: data[0..<8])
    key = Int(data[8])
    paddingBytes = data.count - 9
  }

  var data: [UInt8] { id.bytes + [UInt8(key)] + [UInt8](repeating: 0, count: paddingBytes) }
}

/// FNV-1a over bytes.
struct Digest: Equatable {
  private(set) var value: UInt64

  init(value: UInt64 = 0xcbf2_9ce4_8422_2325) {
    self.value = value
  }

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }
}

extension UInt64 {
  var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) } }

  init(bytes: ArraySlice<UInt8>) {
    self = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
