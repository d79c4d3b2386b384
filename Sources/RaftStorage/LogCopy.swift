// SPDX-License-Identifier: Apache-2.0
import Glibc
import Raft

/// Copies the log of a member, which may be running, and its snapshot to another directory.
///
/// A running member keeps its file to itself, so that SQLite cannot be asked for a copy. It works on the files instead:
/// within one generation of the write-ahead file, which its header names, that file is only appended to, and the main
/// file only gets pages that are in it. A main file and after it a write-ahead file, copied within one generation,
/// therefore hold together every transaction that was durable before: the write-ahead file has whatever the main file
/// has been given meanwhile. When the generation changes during the copy, it is made anew. Snapshots are files that
/// never change, but the member may replace the one that the copy names; whether all of it fits together is found out
/// by reading it, and a copy that does not is made anew too.
///
/// Source: sqlite.org/walformat.html, "Checkpoint Algorithm"; sqlite.org/fileformat2.html, section 4.
public enum LogCopy {
  /// A generation lasts for 16 MiB of writes, so that a copy is nearly always made at the first try.
  private static let attempts = 50
  /// How often a copy that does not fit together is made anew, before the original is taken for damaged.
  private static let readings = 5
  private static let headerBytes = 32

  /// Whether there is a log in a directory.
  public static func isThere(directory: String) -> Bool {
    access(directory + "/raft.db", F_OK) == 0
  }

  /// Copies a log and reads all of the copy.
  ///
  /// Concurrency: blocks. The copy is durable when this returns.
  ///
  /// - Parameters:
  ///   - source: The directory with the log.
  ///   - target: A directory without one.
  /// - Returns: Whose log it is; nil when it is empty.
  /// - Throws: ``RaftStorageError``; damage is told of the copy's files, and may be the original's.
  public static func make(from source: String, to target: String) throws -> LogOwner? {
    var reading = 1
    while true {
      try copyFiles(from: source, to: target)
      do {
        guard let owner = try LogOwner.read(directory: target) else { return nil }
        try readSnapshot(of: owner, in: target)
        return owner
      } catch let error as RaftStorageError where error.code == .corrupt && reading < readings {
        reading += 1
        try clear(target)
      }
    }
  }

  private static func readSnapshot(of owner: LogOwner, in directory: String) throws {
    let store = try SQLiteLogStore(directory: directory, cluster: owner.cluster, member: owner.member)
    guard let index = try store.load().snapshot?.index else { return }
    var offset: UInt64 = 0
    while let chunk = try store.snapshotChunk(index: index, offset: offset, maxBytes: 1 << 20) {
      offset += UInt64(chunk.bytes.count)
      if chunk.isLast { return }
    }
  }

  private static func copyFiles(from source: String, to target: String) throws(RaftStorageError) {
    let names = (main: "/raft.db", ahead: "/raft.db-wal")
    for _ in 0..<attempts {
      let before = try Generation(of: source + names.main, source + names.ahead)
      try copyFile(source + names.main, to: target + names.main)
      try copyFile(source + names.ahead, to: target + names.ahead)
      guard try Generation(of: source + names.main, source + names.ahead) == before else { continue }
      for name in try snapshotNames(source) { try copyFile("\(source)/\(name)", to: "\(target)/\(name)") }
      return
    }
    throw RaftStorageError(
      .inUse,
      "cannot copy \(source + names.main): the member writes faster than it can be copied; "
        + "try again when it is less busy, or copy a follower's"
    )
  }

  private static func clear(_ directory: String) throws(RaftStorageError) {
    for name in ["raft.db", "raft.db-wal", "raft.db-shm"] + (try snapshotNames(directory)) {
      unlink("\(directory)/\(name)")
    }
  }

  /// The files of snapshots, whether they are whole or not.
  private static func snapshotNames(_ directory: String) throws(RaftStorageError) -> [String] {
    guard let stream = opendir(directory) else { throw failure("read", directory) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix("snapshot-") { names.append(name) }
    }
    return names.sorted()
  }

  /// What stays the same while the write-ahead file is only appended to.
  private struct Generation: Equatable {
    var header: [UInt8]
    /// Size and time of the last change of the main file; told only while no write-ahead file says more.
    var main: [Int] = []

    init(of main: String, _ ahead: String) throws(RaftStorageError) {
      header = try LogCopy.header(of: ahead)
      guard header.isEmpty else { return }
      var attributes = stat()
      guard stat(main, &attributes) == 0 else { throw failure("find", main) }
      self.main = [Int(attributes.st_size), attributes.st_mtim.tv_sec, attributes.st_mtim.tv_nsec]
    }
  }

  /// The first bytes of a file; none when there is no file.
  private static func header(of path: String) throws(RaftStorageError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return [] }
      throw failure("read", path)
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: headerBytes)
    let count = pread(descriptor, &bytes, headerBytes, 0)
    guard count >= 0 else { throw failure("read", path) }
    return Array(bytes.prefix(count))
  }

  /// Copies a file as far as it reaches now; one that is not there leaves none.
  private static func copyFile(_ source: String, to target: String) throws(RaftStorageError) {
    unlink(target)
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else {
      if errno == ENOENT { return }
      throw failure("read", source)
    }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard to >= 0 else { throw failure("make", target) }
    defer { close(to) }
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(from, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", source) }
      if count == 0 { break }
      var written = 0
      while written < count {
        let step = piece[written..<count].withUnsafeBytes { write(to, $0.baseAddress, $0.count) }
        if step < 0, errno == EINTR { continue }
        guard step > 0 else { throw failure("write", target) }
        written += step
      }
    }
    guard fsync(to) == 0 else { throw failure("write", target) }
  }

  private static func failure(_ operation: String, _ path: String) -> RaftStorageError {
    let code: RaftStorageError.Code = errno == ENOSPC ? .diskFull : .inputOutput
    return RaftStorageError(code, "cannot \(operation) \(path)", cause: String(cString: strerror(errno)))
  }
}
