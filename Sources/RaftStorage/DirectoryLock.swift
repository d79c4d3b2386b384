// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An advisory lock on a data directory, held while the value lives or until the process ends, however it ends.
public final class DirectoryLock: Sendable {
  private let descriptor: CInt

  /// A process that was just killed, or a child that is just being started, may hold the lock for moments.
  private static let attempts = 100
  private static let pauseMilliseconds: CInt = 20

  /// Takes the lock of `directory`, making the directory and the lock file when they are missing.
  ///
  /// Concurrency: blocks for up to two seconds while another process holds it.
  ///
  /// - Parameters:
  ///   - directory: The directory to hold, as an absolute path.
  ///   - file: The name of the lock file in it.
  ///   - mode: The mode of the directory when it is made; those above it may be entered and read by all.
  /// - Throws: ``RaftStorageError/Code/inUse`` when another process keeps it.
  public init(
    directory: String,
    file: String = "raft.lock",
    mode: UInt32 = 0o700
  ) throws(RaftStorageError) {
    try Self.makeDirectory(directory, mode: mode)
    let path = "\(directory)/\(file)"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw RaftStorageError(
        .inputOutput,
        "cannot open \(path); check the permissions of the data directory",
        cause: Self.systemMessage()
      )
    }
    guard Self.take(descriptor) else {
      let cause = Self.systemMessage()
      close(descriptor)
      throw RaftStorageError(
        .inUse,
        "the data directory \(directory) is in use by another process; stop it, or give each node its own --data-dir",
        cause: cause
      )
    }
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  private static func take(_ descriptor: CInt) -> Bool {
    for _ in 0..<attempts {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
      guard errno == EWOULDBLOCK || errno == EINTR else { return false }
      poll(nil, 0, pauseMilliseconds)
    }
    errno = EWOULDBLOCK
    return false
  }

  private static func makeDirectory(_ directory: String, mode: UInt32) throws(RaftStorageError) {
    var made = ""
    for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made.hasSuffix("/") ? String(part) : "/" + part)
      guard mkdir(made, made == directory ? mode : 0o755) == 0 || errno == EEXIST || errno == EISDIR else {
        throw RaftStorageError(
          .inputOutput,
          "cannot make the data directory \(made); check its name and the permissions above it",
          cause: systemMessage()
        )
      }
    }
  }

  private static func systemMessage() -> String {
    String(cString: strerror(errno))
  }
}
