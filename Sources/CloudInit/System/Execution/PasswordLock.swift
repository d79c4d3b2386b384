// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The lock of the files of users and groups, as every program that changes them takes it; given back when it is let go.
///
/// The C library's own (`lckpwdf`) waits with an alarm, which a program of many threads cannot have.
/// Source: lckpwdf(3); glibc `shadow/lckpwdf.c`.
final class PasswordLock: Sendable {
  private let descriptor: Int32

  private static let pauseMilliseconds: Int32 = 50

  /// Waits for the lock.
  ///
  /// - Returns: Nil when the tree cannot be written to, which the steps then say better.
  /// - Throws: ``FileTree/Failure`` when somebody else has it for longer than this waits.
  static func take(in tree: FileTree, patienceMilliseconds: Int = 15_000) throws(FileTree.Failure) -> PasswordLock? {
    let path = "/etc/.pwd.lock"
    let descriptor = (try? tree.openToLock(path)) ?? -1
    guard descriptor >= 0 else { return nil }
    var wanted = flock()
    wanted.l_type = Int16(F_WRLCK)
    wanted.l_whence = Int16(SEEK_SET)
    var waited = 0
    while fcntl(descriptor, F_SETLK, &wanted) != 0 {
      let number = errno
      guard number == EAGAIN || number == EACCES || number == EINTR, waited < patienceMilliseconds else {
        close(descriptor)
        let reason = "another program has been changing users for \(patienceMilliseconds / 1_000) s (\(path))"
        throw number == EAGAIN || number == EACCES
          ? FileTree.Failure(reason) : FileTree.Failure("lock \(path)", number: number)
      }
      poll(nil, 0, pauseMilliseconds)
      waited += Int(pauseMilliseconds)
    }
    return PasswordLock(descriptor)
  }

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }
}

extension FileTree {
  /// Opens a file to lock it, and makes it where it is missing.
  fileprivate func openToLock(_ path: String) throws(Failure) -> Int32 {
    try inFolder(of: path, Way(makesFolders: true)) { folder, name throws(Failure) in
      let descriptor = openat(folder, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw Failure("open \(path)", number: errno) }
      return descriptor
    }
  }
}
