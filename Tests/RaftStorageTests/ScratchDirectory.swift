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
      try? FileManager.default.removeItem(atPath: other.path + "/" + name)
      // A snapshot may be removed in the background meanwhile.
      try? FileManager.default.copyItem(atPath: path + "/" + name, toPath: other.path + "/" + name)
    }
  }

  func contents(of name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func size(of name: String) throws -> UInt64 {
    let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
    return (attributes[.size] as? NSNumber)?.uint64Value ?? 0
  }

  func truncate(_ name: String, to bytes: UInt64) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/" + name))
    try handle.truncate(atOffset: bytes)
    try handle.close()
  }
}
