// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An advisory lock on a data directory, held until released or until the process ends, however it ends.
struct DirectoryLock: ~Copyable {
  private let descriptor: CInt

  /// Takes the lock of `directory`, making the directory and the lock file when they are missing.
  init(directory: String) throws(RaftStorageError) {
    try Self.makeDirectory(directory)
    let path = directory + "/raft.lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw RaftStorageError(
        .inputOutput,
        "cannot open \(path); check the permissions of the data directory",
        cause: Self.systemMessage()
      )
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let cause = Self.systemMessage()
      close(descriptor)
      throw RaftStorageError(
        .inUse,
        "the data directory \(directory) is in use by another process; stop it, or name another data directory",
        cause: cause
      )
    }
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  private static func makeDirectory(_ directory: String) throws(RaftStorageError) {
    var made = ""
    for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made.hasSuffix("/") ? String(part) : "/" + part)
      guard mkdir(made, 0o700) == 0 || errno == EEXIST || errno == EISDIR else {
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
