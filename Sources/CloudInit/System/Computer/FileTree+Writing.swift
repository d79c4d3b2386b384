// SPDX-License-Identifier: Apache-2.0
import Glibc

extension FileTree {
  /// Puts a file in the place of a file or link; it is there whole or not at all, and durable when the call returns.
  ///
  /// - Throws: ``Failure``; what was there before is then still there.
  func write(_ file: FileWrite) throws(Failure) {
    try inFolder(of: file.path, Way(makesFolders: true, base: file.base)) { folder, name throws(Failure) in
      let temporary = try makeTemporary(file, in: folder)
      guard renameat(folder, temporary, folder, name) == 0 else {
        let number = errno
        unlinkat(folder, temporary, 0)
        // In a container this may be a file that is mounted there, which cannot be replaced.
        guard number == EBUSY else { throw Failure("write \(file.path)", number: number) }
        return try overwrite(file, name, in: folder)
      }
      fsync(folder)
    }
  }

  private static let temporaryName = ".coracle-\(getpid())"

  private func makeTemporary(_ file: FileWrite, in folder: Int32) throws(Failure) -> String {
    let name = Self.temporaryName
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    var descriptor = openat(folder, name, flags, 0o600)
    if descriptor < 0, errno == EEXIST {
      // Of an earlier process with this id, that was killed.
      unlinkat(folder, name, 0)
      descriptor = openat(folder, name, flags, 0o600)
    }
    guard descriptor >= 0 else { throw Failure("write \(file.path)", number: errno) }
    defer { close(descriptor) }
    do throws(Failure) {
      try fill(descriptor, with: file)
    } catch {
      unlinkat(folder, name, 0)
      throw error
    }
    return name
  }

  private func overwrite(_ file: FileWrite, _ name: String, in folder: Int32) throws(Failure) {
    let descriptor = openat(folder, name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("write \(file.path)", number: errno) }
    defer { close(descriptor) }
    try fill(descriptor, with: file)
  }

  private func fill(_ descriptor: Int32, with file: FileWrite) throws(Failure) {
    do throws(OpenFile.Failure) {
      try OpenFile.write(file.content, to: descriptor)
    } catch {
      throw Failure("write \(file.path)", number: error.number)
    }
    if let owner = file.owner, fchown(descriptor, owner.userID, owner.groupID) != 0 {
      throw Failure("give \(file.path) to \(owner.userID):\(owner.groupID)", number: errno)
    }
    // After the owner, whose change takes some of these bits away.
    guard fchmod(descriptor, file.mode) == 0 else { throw Failure("set the mode of \(file.path)", number: errno) }
    guard fsync(descriptor) == 0 else { throw Failure("write \(file.path)", number: errno) }
  }

  /// Makes a directory; one that is there stays as it is.
  func makeDirectory(_ path: String, mode: UInt32, owner: FileOwner?, base: String?) throws(Failure) {
    try inFolder(of: path, Way(makesFolders: true, base: base)) { folder, name throws(Failure) in
      guard mkdirat(folder, name, 0o700) == 0 else {
        var status = stat()
        if errno == EEXIST, fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
          status.st_mode & S_IFMT == S_IFDIR
        {
          return
        }
        throw Failure("make the directory \(path)", number: errno == 0 ? EEXIST : errno)
      }
      let descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { throw Failure("make the directory \(path)", number: errno) }
      defer { close(descriptor) }
      if let owner, fchown(descriptor, owner.userID, owner.groupID) != 0 {
        throw Failure("give \(path) to \(owner.userID):\(owner.groupID)", number: errno)
      }
      guard fchmod(descriptor, mode) == 0 else { throw Failure("set the mode of \(path)", number: errno) }
      fsync(folder)
    }
  }

  /// Puts a symbolic link in the place of a file or link.
  func makeLink(_ path: String, target: String, owner: FileOwner?) throws(Failure) {
    try inFolder(of: path, Way(makesFolders: true)) { folder, name throws(Failure) in
      let temporary = Self.temporaryName
      unlinkat(folder, temporary, 0)
      guard symlinkat(target, folder, temporary) == 0 else { throw Failure("make the link \(path)", number: errno) }
      if let owner, fchownat(folder, temporary, owner.userID, owner.groupID, AT_SYMLINK_NOFOLLOW) != 0 {
        let number = errno
        unlinkat(folder, temporary, 0)
        throw Failure("give \(path) to \(owner.userID):\(owner.groupID)", number: number)
      }
      guard renameat(folder, temporary, folder, name) == 0 else {
        let number = errno
        unlinkat(folder, temporary, 0)
        throw Failure("make the link \(path)", number: number)
      }
      fsync(folder)
    }
  }

  /// Removes a file or link; none is there afterwards.
  func remove(_ path: String) throws(Failure) {
    try inFolder(of: path) { folder, name throws(Failure) in
      guard unlinkat(folder, name, 0) == 0 || errno == ENOENT else { throw Failure("remove \(path)", number: errno) }
      fsync(folder)
    }
  }
}
