// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import TestKit

/// A machine's disk: a file system in memory of a few megabytes, so that it can be filled up.
///
/// Needs root.
struct MachineDisk {
  /// Room for the log, its write-ahead log and two snapshots of a run.
  static let sizeMegabytes = 96

  let directory: URL
  private var filler: URL { directory.appendingPathComponent("filler") }

  /// Makes the directory and mounts the disk on it.
  static func mount(at directory: URL, sizeMegabytes: Int = sizeMegabytes) async throws -> MachineDisk {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try await succeed(["mount", "-t", "tmpfs", "-o", "size=\(sizeMegabytes)m", "coracle-faults", directory.path])
    return MachineDisk(directory: directory)
  }

  func unmount() async {
    _ = try? await run(["umount", "--lazy", directory.path])
  }

  /// Writes until nothing more fits.
  func fill() throws {
    let file = open(filler.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw CommandFailed(description: "cannot write \(filler.path)") }
    defer { close(file) }
    var size = 1 << 20
    let zeros = [UInt8](repeating: 0, count: size)
    while size > 0 {
      let count = write(file, zeros, size)
      if count <= 0 { size /= 2 }
    }
  }

  /// Gives the space back.
  func release() {
    unlink(filler.path)
  }

  /// Removes everything that is on it, as a new disk would have nothing.
  func wipe() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
      try FileManager.default.removeItem(at: directory.appendingPathComponent(name))
    }
  }
}
