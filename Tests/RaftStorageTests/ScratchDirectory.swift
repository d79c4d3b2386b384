// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A directory for one test, removed when the test lets go of it.
final class ScratchDirectory {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("raft-storage-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Copies the database and its write-ahead file, as a crash at this moment would leave them.
  func copyDatabase(to other: ScratchDirectory) throws {
    for name in ["raft.db", "raft.db-wal"] {
      let target = other.path + "/" + name
      try? FileManager.default.removeItem(atPath: target)
      if FileManager.default.fileExists(atPath: path + "/" + name) {
        try FileManager.default.copyItem(atPath: path + "/" + name, toPath: target)
      }
    }
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
