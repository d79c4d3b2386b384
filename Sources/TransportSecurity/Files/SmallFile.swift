// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Reads the small files that keys and certificates stand in.
///
/// Concurrency: all calls block.
enum SmallFile {
  /// The authorities of a whole system are some 250 KiB.
  private static let limitBytes = 8 * 1024 * 1024

  /// The bytes of a file, or what the system says against reading it.
  static func read(_ path: String) -> Result<[UInt8], ReadFailure> {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .failure(ReadFailure(errno)) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return .failure(ReadFailure(errno)) }
      if count == 0 { return .success(bytes) }
      bytes += chunk[..<count]
      guard bytes.count <= limitBytes else { return .failure(ReadFailure(EFBIG)) }
    }
  }

  /// The system's words for a failed call.
  struct ReadFailure: Error {
    let reason: String

    init(_ number: Int32) {
      reason = strerror(number).map { String(cString: $0).lowercased() } ?? "error \(number)"
    }
  }
}

/// What tells one state of a file from another without reading it.
///
/// Invariant: replacing a file or writing to it changes its stamp; so does a symbolic link that points elsewhere.
struct FileStamp: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64
  private let sizeBytes: Int64
  private let modifiedNanoseconds: Int64
  private let changedNanoseconds: Int64

  /// Looks at a file; nil when it is not there.
  ///
  /// Concurrency: blocks.
  init?(_ path: String) {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    device = UInt64(information.st_dev)
    inode = UInt64(information.st_ino)
    sizeBytes = Int64(information.st_size)
    modifiedNanoseconds = Self.nanoseconds(information.st_mtim)
    changedNanoseconds = Self.nanoseconds(information.st_ctim)
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
