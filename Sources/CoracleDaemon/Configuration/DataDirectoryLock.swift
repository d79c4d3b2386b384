// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The hold of one process on a data directory; the kernel takes it back when the process ends, however it ends.
final class DataDirectoryLock: Sendable {
  private let descriptor: Int32

  /// Makes the directory if it is missing and takes hold of it.
  ///
  /// - Throws: ``NodeError`` when it cannot be made, or another process holds it.
  init(directory: String) throws(NodeError) {
    var made = ""
    for part in directory.split(separator: "/") {
      made += "/\(part)"
      guard mkdir(made, made == directory ? 0o700 : 0o755) == 0 || errno == EEXIST else {
        throw NodeError("make the data directory \(directory): \(Self.systemReason())")
      }
    }
    let file = "\(directory)/lock"
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw NodeError("open \(file): \(Self.systemReason())") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let isHeld = errno == EWOULDBLOCK
      let reason = Self.systemReason()
      close(descriptor)
      throw NodeError(
        isHeld
          ? "the data directory \(directory) is in use by another node; give each node its own --data-dir"
          : "lock \(file): \(reason)"
      )
    }
  }

  deinit { close(descriptor) }

  /// A path from the root, without slash at the end.
  ///
  /// - Throws: ``NodeError`` when the current directory cannot be found.
  static func absolutePath(_ given: String) throws(NodeError) -> String {
    var path = given
    if !path.hasPrefix("/") {
      guard let here = getcwd(nil, 0) else { throw NodeError("find the current directory: \(systemReason())") }
      path = "\(String(cString: here))/\(path)"
      free(here)
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }

  private static func systemReason() -> String { String(cString: strerror(errno)) }
}
