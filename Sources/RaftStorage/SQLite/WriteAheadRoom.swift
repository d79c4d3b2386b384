// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Room at the end of a write-ahead file, written before it is needed.
///
/// A commit that overwrites blocks waits for its own bytes only; one that makes the file longer also waits for the file
/// system's journal, which costs half as much again. SQLite takes zeros behind the last frame for its end, so they may be
/// there whatever happened before; it starts over in the same blocks after each checkpoint.
enum WriteAheadRoom {
  /// Frames beyond those that are copied at once, for the transaction that goes over them.
  private static let spareFrames = 256
  /// Bytes in a frame: its header and a page of 4 KiB.
  private static let frameBytes = 24 + 4_096

  /// Makes the write-ahead file of an open database as long as it will get.
  ///
  /// It only spares time, so a disk that is full, or refuses otherwise, leaves the file as it was.
  static func make(database path: String) {
    let descriptor = open(path + "-wal", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { return }
    let present = Int(information.st_size)
    let wanted = 32 + (SQLiteConnection.checkpointPages + spareFrames) * frameBytes
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    var offset = present
    while offset < wanted {
      let written = pwrite(descriptor, zeros, min(zeros.count, wanted - offset), off_t(offset))
      guard written > 0 else {
        ftruncate(descriptor, off_t(present))
        return
      }
      offset += written
    }
  }
}
