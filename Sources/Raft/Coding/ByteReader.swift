// SPDX-License-Identifier: Apache-2.0

/// Reads what ``ByteWriter`` wrote; anything short, long or unknown is an error that names what was being read.
struct ByteReader {
  private let bytes: [UInt8]
  private var position = 0
  private let subject: String

  init(_ bytes: [UInt8], of subject: String) {
    self.bytes = bytes
    self.subject = subject
  }

  var remaining: Int { bytes.count - position }

  func failure(_ what: String) -> RaftError {
    .malformed("\(subject): \(what) at byte \(position)")
  }

  mutating func readUInt8() throws(RaftError) -> UInt8 {
    guard remaining >= 1 else { throw failure("ends early") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func readBool() throws(RaftError) -> Bool {
    switch try readUInt8() {
    case 0: false
    case 1: true
    default: throw failure("neither true nor false")
    }
  }

  mutating func readUInt32() throws(RaftError) -> UInt32 {
    guard remaining >= 4 else { throw failure("ends early") }
    defer { position += 4 }
    return UInt32(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) })
  }

  mutating func readUInt64() throws(RaftError) -> UInt64 {
    guard remaining >= 8 else { throw failure("ends early") }
    defer { position += 8 }
    return UInt64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt64.self) })
  }

  mutating func readInt64() throws(RaftError) -> Int64 { Int64(bitPattern: try readUInt64()) }
  mutating func readIndex() throws(RaftError) -> LogIndex { LogIndex(try readUInt64()) }
  mutating func readTerm() throws(RaftError) -> Term { Term(try readUInt64()) }
  mutating func readMember() throws(RaftError) -> MemberID { MemberID(try readUInt64()) }

  mutating func readBytes() throws(RaftError) -> [UInt8] {
    let count = Int(try readUInt32())
    guard remaining >= count else { throw failure("a length runs past the end") }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// Reads how many elements follow, each at least `elementBytes` long, so that no count can ask for more than is there.
  mutating func readCount(elementBytes: Int) throws(RaftError) -> Int {
    let count = Int(try readUInt32())
    guard count <= remaining / elementBytes else { throw failure("a count runs past the end") }
    return count
  }

  mutating func readMembers() throws(RaftError) -> [MemberID] {
    let count = try readCount(elementBytes: 8)
    var members: [MemberID] = []
    members.reserveCapacity(count)
    for _ in 0..<count { members.append(try readMember()) }
    return members
  }

  func expectEnd() throws(RaftError) {
    guard remaining == 0 else { throw failure("\(remaining) bytes too many") }
  }
}
