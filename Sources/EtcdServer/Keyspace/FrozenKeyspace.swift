// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Meters
import Raft

/// The replicated state at one moment, for a snapshot.
///
/// The tree shares its pieces with the live one, which copies those it changes while this is alive.
struct FrozenKeyspace: FrozenState {
  let store: Store
  let membership: Membership
  let auth: AuthState
  /// Counts how long writing takes.
  let duration: Histogram

  func writeSnapshot(_ write: ([UInt8]) throws -> Void) throws {
    let start = Clocks.monotonicNanoseconds()
    defer { duration.observe(nanoseconds: Clocks.monotonicNanoseconds() - start) }
    try write(SnapshotSections.header(of: [membership.encoded(), auth.encoded()]))
    try store.writeSnapshot(write)
  }
}

/// What stands before the store in a snapshot of the whole state machine.
///
/// Shape: magic, a format byte, then each section after its length (8 bytes, little endian).
struct SnapshotSections {
  private static let magic: [UInt8] = Array("CKMS".utf8)
  private static let format: UInt8 = 3
  private static let limitBytes: UInt64 = 64 << 20

  private let read: () throws -> [UInt8]?
  private var bytes: [UInt8] = []

  static func header(of sections: [[UInt8]]) -> [UInt8] {
    sections.reduce(magic + [format]) { header, section in
      header + withUnsafeBytes(of: UInt64(section.count).littleEndian) { Array($0) } + section
    }
  }

  /// Begins to read; nil when the bytes are not of this version.
  init?(_ read: @escaping () throws -> [UInt8]?) throws {
    self.read = read
    guard let start = try take(Self.magic.count + 1), start == Self.magic + [Self.format] else { return nil }
  }

  /// The next section; nil when the bytes end before it does.
  mutating func next() throws -> [UInt8]? {
    guard let length = try take(8) else { return nil }
    let count = length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard count <= Self.limitBytes else { return nil }
    return try take(Int(count))
  }

  /// The next piece of what follows the sections.
  mutating func rest() throws -> [UInt8]? {
    if bytes.isEmpty { return try read() }
    defer { bytes = [] }
    return bytes
  }

  private mutating func take(_ count: Int) throws -> [UInt8]? {
    while bytes.count < count {
      guard let piece = try read() else { return nil }
      bytes += piece
    }
    defer { bytes.removeFirst(count) }
    return Array(bytes[..<count])
  }
}
