// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What a write-ahead file holds, read before SQLite does: SQLite takes everything behind the first damaged frame for
/// a tail that was never finished, and drops it without a word.
///
/// Each transaction is synced before the next begins, so a power cut can only tear the last one. Whatever belongs to
/// this file (its frames carry the file's salts) and lies more than one transaction behind the damage was durable.
///
/// Source: https://www.sqlite.org/fileformat2.html, section 4, "The Write-Ahead Log".
struct WriteAheadScan {
  private static let headerBytes = 32
  private static let frameHeaderBytes = 24
  private static let magic: UInt32 = 0x377F_0682
  /// A database begins with a whole page.
  private static let leastDatabaseBytes: UInt64 = 512

  /// What is certainly wrong with the file; nil when nothing is.
  private var finding: String?
  /// The highest transaction number behind the first frame that does not fit.
  private var highestBehind: UInt64?
  /// Which frame that is.
  private var badFrame = 0

  /// Looks through the write-ahead file of a database.
  ///
  /// - Throws: ``RaftStorageError``: it is damaged, belongs to no database, or cannot be read.
  static func read(database path: String) throws(RaftStorageError) -> WriteAheadScan {
    let walPath = path + "-wal"
    let bytes = try contents(of: walPath)
    var scan = WriteAheadScan()
    let databaseBytes = SQLiteLogStore.fileSize(path)
    guard databaseBytes >= leastDatabaseBytes || databaseBytes == 0 && bytes.isEmpty else {
      // SQLite would take it for a new database and remove the write-ahead file.
      throw RaftStorageError(.corrupt, RaftStorageError.damage(path, "it has only \(databaseBytes) bytes"))
    }
    if bytes.isEmpty { return scan }
    bytes.withUnsafeBytes { scan.look(through: $0) }
    if let finding = scan.finding { throw RaftStorageError(.corrupt, RaftStorageError.damage(walPath, finding)) }
    return scan
  }

  /// Checks what SQLite recovered: at most one transaction may have been torn.
  func check(against batchNumber: UInt64, database path: String) throws(RaftStorageError) {
    guard let highestBehind, highestBehind > batchNumber + 1 else { return }
    throw RaftStorageError(
      .corrupt,
      RaftStorageError.damage(path + "-wal", "frame \(badFrame) does not fit, and durable ones follow it")
    )
  }

  private mutating func look(through bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.headerBytes else {
      // A header is synced before the first frame, so there is none.
      return
    }
    guard let file = Header(bytes) else {
      // While the file is being made it may hold nothing yet.
      if bytes.contains(where: { $0 != 0 }) { finding = "its header does not fit" }
      return
    }
    let frameBytes = Self.frameHeaderBytes + file.pageBytes
    var checksum = file.checksum
    var isWhole = true
    var hasCommitBehind = false
    var start = Self.headerBytes
    var number = 0
    while start + frameBytes <= bytes.count {
      number += 1
      let frame = UnsafeRawBufferPointer(rebasing: bytes[start..<start + frameBytes])
      start += frameBytes
      let isOurs = frame.bigEndian(8) == file.salts.0 && frame.bigEndian(12) == file.salts.1
      if isWhole {
        let next = file.checksum(of: frame, after: checksum)
        if isOurs, next == (frame.bigEndian(16), frame.bigEndian(20)), frame.bigEndian(0) != 0 {
          checksum = next
          continue
        }
        isWhole = false
        badFrame = number
      }
      guard isOurs else { continue }
      if hasCommitBehind {
        finding = "frame \(badFrame) does not fit, and durable ones follow it"
        return
      }
      hasCommitBehind = frame.bigEndian(4) != 0
      let content = UnsafeRawBufferPointer(rebasing: frame[Self.frameHeaderBytes...])
      if let mark = BatchMark.highest(in: content) { highestBehind = max(highestBehind ?? 0, mark) }
    }
  }

  private static func contents(of path: String) throws(RaftStorageError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return [] }
      throw SnapshotFile.failure("open", path, errno)
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Int(SQLiteLogStore.fileSize(path)))
    var done = 0
    while done < bytes.count {
      let part = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
      }
      if part < 0, errno == EINTR { continue }
      guard part >= 0 else { throw SnapshotFile.failure("read", path, errno) }
      if part == 0 { break }
      done += part
    }
    bytes.removeLast(bytes.count - done)
    return bytes
  }

  /// The first 32 bytes.
  private struct Header {
    var pageBytes: Int
    var salts: (UInt32, UInt32)
    var checksum: (UInt32, UInt32)
    /// Whether checksums read the content in big-endian words.
    var isBigEndian: Bool

    /// Reads a header; nil when its checksum does not fit.
    init?(_ bytes: UnsafeRawBufferPointer) {
      let magic = bytes.bigEndian(0)
      guard magic & ~1 == WriteAheadScan.magic else { return nil }
      isBigEndian = magic & 1 == 1
      pageBytes = Int(bytes.bigEndian(8))
      salts = (bytes.bigEndian(16), bytes.bigEndian(20))
      checksum = (0, 0)
      guard (512...65_536).contains(pageBytes) else { return nil }
      checksum = sum(UnsafeRawBufferPointer(rebasing: bytes[..<24]), (0, 0))
      guard checksum == (bytes.bigEndian(24), bytes.bigEndian(28)) else { return nil }
    }

    func checksum(of frame: UnsafeRawBufferPointer, after previous: (UInt32, UInt32)) -> (UInt32, UInt32) {
      let head = sum(UnsafeRawBufferPointer(rebasing: frame[..<8]), previous)
      return sum(UnsafeRawBufferPointer(rebasing: frame[WriteAheadScan.frameHeaderBytes...]), head)
    }

    private func sum(_ bytes: UnsafeRawBufferPointer, _ start: (UInt32, UInt32)) -> (UInt32, UInt32) {
      var (first, second) = start
      var offset = 0
      while offset + 8 <= bytes.count {
        let left = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        let right = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        first &+= (isBigEndian ? UInt32(bigEndian: left) : UInt32(littleEndian: left)) &+ second
        second &+= (isBigEndian ? UInt32(bigEndian: right) : UInt32(littleEndian: right)) &+ first
        offset += 8
      }
      return (first, second)
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func bigEndian(_ offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
