// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Directories of units, reached step by step from one that is the machine's.
///
/// Whoever owns a directory may put links to anywhere into it at any moment, so that what is owned or removed by path
/// could be somebody else's. Links are followed only where nobody but us puts them.
enum DirectorySteps {
  /// Opens a directory.
  ///
  /// - Parameters:
  ///   - names: The way to it, one name for each step.
  ///   - root: Where the way begins; links to it and above it are the machine's.
  ///   - isMaking: Whether directories are made that are missing on the way.
  /// - Returns: Its descriptor; -1 with errno when that cannot be.
  static func open(_ names: [String], below root: String, isMaking: Bool) -> Int32 {
    if isMaking, !makeDirectories(root, mode: 0o755) { return -1 }
    var current = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    for name in names where current >= 0 {
      let next = enter(name, of: current, isMaking: isMaking)
      let error = errno
      close(current)
      errno = error
      current = next
    }
    return current
  }

  /// The steps from a directory to a path below it.
  static func names(of path: String, below root: String) -> [String] {
    path.dropFirst(root.count).split(separator: "/").map(String.init)
  }

  private static func enter(_ name: String, of directory: Int32, isMaking: Bool) -> Int32 {
    if isMaking, mkdirat(directory, name, 0o755) != 0, errno != EEXIST { return -1 }
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    let opened = openat(directory, name, flags | O_NOFOLLOW)
    // What the administrator has moved elsewhere.
    guard opened < 0, errno == ENOTDIR || errno == ELOOP, isOnlyOurs(directory) else { return opened }
    return openat(directory, name, flags)
  }

  private static func isOnlyOurs(_ directory: Int32) -> Bool {
    let error = errno
    defer { errno = error }
    var status = stat()
    guard fstat(directory, &status) == 0 else { return false }
    return (status.st_uid == geteuid() || status.st_uid == 0) && status.st_mode & 0o022 == 0
  }
}
