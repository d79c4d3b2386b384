// SPDX-License-Identifier: Apache-2.0

import Testing
import TestKit

@_spi(Simulation) @testable import Raft

/// What peers and files hold, changed at random: read back as something sound, or refused; never a crash, and never
/// more memory than a small multiple of the bytes that were given.
struct MutationTests {
  /// Flips, cuts, doubles and splices bytes, and puts extreme numbers where lengths may be.
  private func mutate(_ bytes: [UInt8], with other: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      guard !bytes.isEmpty else { return other }
      let place = Int.random(in: bytes.indices, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
      case 4: bytes = Array(bytes[..<place]) + other.dropFirst(min(place, other.count))
      default:
        let extremes: [[UInt8]] = [[0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0x80], [0, 0, 0, 0]]
        let extreme = extremes[Int.random(in: extremes.indices, using: &generator)]
        for (offset, byte) in extreme.enumerated() where place + offset < bytes.count { bytes[place + offset] = byte }
      }
    }
    return bytes
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `a mutated message is refused, or is a message that reads back the same`(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let originals = MessageCodingTests.bodies.map {
      Message(from: MemberID(1), to: MemberID(2), term: Term(3), body: $0).encoded()
    }
    for original in originals {
      for _ in 0..<60 {
        let other = originals[Int.random(in: originals.indices, using: &generator)]
        let bytes = mutate(original, with: other, &generator)
        guard let message = try? Message(decoding: bytes) else { continue }
        #expect(message.encoded() == bytes)
        #expect(message.approximateBytes <= 64 + 64 * bytes.count)
      }
    }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `mutated entries, configurations and descriptions of snapshots are refused, or read back the same`(
    _ seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    let configuration = Configuration(voters: [1, 2, 3].map(MemberID.init), learners: [MemberID(9)])
    let change = ConfigurationChange(.addLearner, MemberID(9), context: Array("http://10.0.0.9:2380".utf8))
    let metadata = SnapshotMetadata(
      index: LogIndex(8),
      term: Term(2),
      timestampNanoseconds: 77,
      configuration: configuration
    )
    let entry = Entry.test(7, 3, Array(repeating: 5, count: 40)).encoded()
    let record = ConfigurationRecord(change: change, configuration: configuration).encoded()
    for _ in 0..<300 {
      let entryBytes = mutate(entry, with: record, &generator)
      if let read = try? Entry(decoding: entryBytes) { #expect(read.encoded() == entryBytes) }
      let configurationBytes = mutate(configuration.encoded(), with: entry, &generator)
      if let read = try? Configuration(decoding: configurationBytes) { #expect(read.encoded() == configurationBytes) }
      let recordBytes = mutate(record, with: configuration.encoded(), &generator)
      if let read = try? ConfigurationRecord(decoding: recordBytes) { #expect(read.encoded() == recordBytes) }
      let metadataBytes = mutate(metadata.encoded(), with: record, &generator)
      if let read = try? SnapshotMetadata(decoding: metadataBytes) { #expect(read.encoded() == metadataBytes) }
    }
  }
}
