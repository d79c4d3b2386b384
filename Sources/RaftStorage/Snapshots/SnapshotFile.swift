// SPDX-License-Identifier: Apache-2.0
import CDiskFaults
import Glibc

/// The file of one snapshot: blocks of ``blockBytes``, each with a checksum behind it, the last one shorter.
///
/// A file is written once and never changed. It counts only when the row in the database names it, which is written
/// after the file has been synced; files that no row names are removed.
enum SnapshotFile {
  /// The bytes of a snapshot in one block.
  static let blockBytes = 256 << 10
  private static let checksumBytes = 8
  private static let prefix = "snapshot-"

  static func path(_ generation: UInt64, in directory: String) -> String {
    let digits = String(generation, radix: 16)
    return "\(directory)/\(prefix)" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// How long the file of a snapshot of some bytes is.
  static func fileBytes(of sizeBytes: UInt64) -> UInt64 {
    let blocks = (sizeBytes + UInt64(blockBytes) - 1) / UInt64(blockBytes)
    return sizeBytes + blocks * UInt64(checksumBytes)
  }

  /// The generations whose files lie in a directory, ascending.
  static func generations(in directory: String) -> [UInt64] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var found: [UInt64] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name.hasPrefix(prefix), let number = UInt64(name.dropFirst(prefix.count), radix: 16) else { continue }
      found.append(number)
    }
    return found.sorted()
  }

  /// The bytes from `offset` to the end of the block that holds them.
  ///
  /// - Throws: ``RaftStorageError`` with code ``RaftStorageError/Code/corrupt`` when the block is damaged.
  static func read(_ snapshot: StoredSnapshot, at offset: UInt64, in directory: String) throws(RaftStorageError)
    -> ArraySlice<UInt8>
  {
    let path = path(snapshot.generation, in: directory)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw RaftStorageError(.corrupt, RaftStorageError.damage(path, "the file is missing")) }
      throw failure("open", path, errno)
    }
    defer { close(descriptor) }
    let block = offset / UInt64(blockBytes)
    let start = block * UInt64(blockBytes)
    let count = Int(min(UInt64(blockBytes), snapshot.sizeBytes - start))
    var bytes = [UInt8](repeating: 0, count: count + checksumBytes)
    var done = 0
    while done < bytes.count {
      let part = bytes.withUnsafeMutableBytes { buffer in
        pread(
          descriptor,
          buffer.baseAddress?.advanced(by: done),
          buffer.count - done,
          off_t(start + block * UInt64(checksumBytes)) + off_t(done)
        )
      }
      if part < 0, errno == EINTR { continue }
      guard part >= 0 else { throw failure("read", path, errno) }
      guard part > 0 else { throw RaftStorageError(.corrupt, RaftStorageError.damage(path, "it ends early")) }
      done += part
    }
    let checksum = bytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: count, as: UInt64.self))
    }
    bytes.removeLast(checksumBytes)
    guard checksum == RowChecksum.of(snapshot.generation, start, bytes) else {
      throw RaftStorageError(
        .corrupt,
        RaftStorageError.damage(path, "the checksum of the block at \(start) does not fit")
      )
    }
    return bytes[Int(offset - start)...]
  }

  static func failure(_ operation: String, _ path: String, _ code: CInt) -> RaftStorageError {
    let cause = String(cString: strerror(code))
    if code == ENOSPC || code == EDQUOT {
      return RaftStorageError(.diskFull, "cannot \(operation) \(path): the disk is full; free some space", cause: cause)
    }
    return RaftStorageError(
      .inputOutput,
      "cannot \(operation) \(path): the disk or its permissions refuse it; check the file system",
      cause: cause
    )
  }
}

/// Writes the file of a snapshot.
///
/// Concurrency: confined to one thread at a time; it syncs every few megabytes, so that no sync takes long.
final class SnapshotWriter {
  /// Bytes written after which the file is synced.
  private static let syncBytes = 4 << 20

  let generation: UInt64
  private let directory: String
  private let path: String
  private let descriptor: CInt
  private let faults: OpaquePointer?
  private var block: [UInt8] = []
  private var unsyncedBytes = 0
  /// The bytes of the snapshot so far.
  private(set) var sizeBytes: UInt64 = 0

  init(_ generation: UInt64, in directory: String) throws(RaftStorageError) {
    self.generation = generation
    self.directory = directory
    path = SnapshotFile.path(generation, in: directory)
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    faults = disk_faults_for_file(path)
    guard descriptor >= 0 else { throw SnapshotFile.failure("make", path, errno) }
    block.reserveCapacity(SnapshotFile.blockBytes + 8)
  }

  deinit {
    close(descriptor)
  }

  /// Adds bytes.
  func append(_ bytes: [UInt8]) throws(RaftStorageError) {
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + SnapshotFile.blockBytes - block.count)
      block += bytes[start..<end]
      start = end
      if block.count == SnapshotFile.blockBytes { try writeBlock() }
    }
    sizeBytes += UInt64(bytes.count)
  }

  /// Writes what is left and makes the file durable.
  func finish() throws(RaftStorageError) {
    if !block.isEmpty { try writeBlock() }
    try sync(descriptor)
    let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw SnapshotFile.failure("open", directory, errno) }
    defer { close(folder) }
    try sync(folder)
  }

  private func writeBlock() throws(RaftStorageError) {
    let position = (sizeBytesWritten / UInt64(SnapshotFile.blockBytes)) * UInt64(SnapshotFile.blockBytes)
    let checksum = RowChecksum.of(generation, position, block)
    sizeBytesWritten += UInt64(block.count)
    withUnsafeBytes(of: checksum.littleEndian) { block.append(contentsOf: $0) }
    var done = 0
    while done < block.count {
      let refusal = disk_faults_before_write(faults)
      if refusal != 0 { throw SnapshotFile.failure("write", path, refusal) }
      let part = block.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done) }
      if part < 0, errno == EINTR { continue }
      guard part >= 0 else { throw SnapshotFile.failure("write", path, errno) }
      done += part
    }
    unsyncedBytes += block.count
    block.removeAll(keepingCapacity: true)
    if unsyncedBytes >= Self.syncBytes { try sync(descriptor) }
  }

  /// The bytes of the snapshot in blocks that were written.
  private var sizeBytesWritten: UInt64 = 0

  private func sync(_ descriptor: CInt) throws(RaftStorageError) {
    let refusal = disk_faults_before_sync(faults)
    if refusal != 0 { throw SnapshotFile.failure("sync", path, refusal) }
    guard fsync(descriptor) == 0 else { throw SnapshotFile.failure("sync", path, errno) }
    unsyncedBytes = 0
  }
}
