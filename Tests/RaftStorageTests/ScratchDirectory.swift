// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A directory for one test, removed when the test lets go of it.
final class ScratchDirectory {
  let path: String

  init(inMemory: Bool = false) throws {
    let memory = URL(fileURLWithPath: "/dev/shm")
    let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
    let parent = isThere ? memory : FileManager.default.temporaryDirectory
    path = parent.appendingPathComponent("raft-storage-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The database, its write-ahead file and the snapshots.
  var storeFiles: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { ["raft.db", "raft.db-wal"].contains($0) || $0.hasPrefix("snapshot-") }.sorted()
  }

  /// Copies what the store keeps, as a crash at this moment would leave it.
  ///
  /// Snapshots of earlier copies stay: a write-ahead file that is cut later may name them.
  func copyDatabase(to other: ScratchDirectory) throws {
    for name in other.storeFiles where !name.hasPrefix("snapshot-") {
      try FileManager.default.removeItem(atPath: other.path + "/" + name)
    }
    for name in storeFiles {
      // A snapshot may be removed in the background meanwhile.
      if let bytes = try? contents(of: name), !bytes.isEmpty { try other.write(bytes, to: name) }
    }
  }

  func contents(of name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  /// What the write-ahead file holds, without room that was made behind it.
  func writeAheadBytes() throws -> [UInt8] {
    var bytes = try contents(of: "raft.db-wal")
    let frameBytes = 24 + 4_096
    while bytes.count >= 32 + frameBytes, !bytes.suffix(frameBytes).contains(where: { $0 != 0 }) {
      bytes.removeLast(frameBytes)
    }
    return bytes
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func truncate(_ name: String, to bytes: UInt64) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/" + name))
    try handle.truncate(atOffset: bytes)
    try handle.close()
  }
}
