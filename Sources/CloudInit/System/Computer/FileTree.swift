// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A tree of files below a directory that stands for `/`: nothing above it can be reached, whatever links there are.
///
/// The way to a file is gone directory by directory from the root, and each link on it is read and followed here, so that a
/// link to `/etc` leads to the tree's own. The system's calls see single names only, in directories that are open, and
/// nobody can put a link in between.
///
/// Concurrency: all calls block; see ``OwnThread``.
struct FileTree: Sendable {
  /// The directory that stands for `/`.
  let root: String

  private static let linksAtMost = 40

  /// What could not be done.
  struct Failure: Error, CustomStringConvertible {
    var description: String
    /// The system's reason; 0 when it is ours.
    var number: Int32 = 0

    init(_ description: String) {
      self.description = description
    }

    /// A call of the system that failed in doing something, such as `write /etc/motd`.
    init(_ what: String, number: Int32) {
      description = "\(what): \(String(cString: strerror(number)))"
      self.number = number
    }
  }

  /// How to go where a file is.
  struct Way {
    /// Whether directories that are missing are made, as 0755.
    var makesFolders = false
    /// A directory below which links are not followed.
    var base: String?
  }

  // MARK: The way

  /// Opens the directory that a path is in, for as long as `body` runs.
  ///
  /// - Returns: What `body` returns, which is given the open directory and the last name of the path.
  func inFolder<Value>(
    of path: String,
    _ way: Way = Way(),
    _ body: (_ folder: Int32, _ name: String) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    var parts = path.split(separator: "/").map(String.init)
    guard let name = parts.popLast() else { throw Failure("\(path) names no file") }
    let trusted = way.base.map { $0.split(separator: "/").count } ?? parts.count
    let steps = parts.enumerated().map { index, name in (name: name, follows: index < trusted) }
    let folder = try open(steps, makesFolders: way.makesFolders, path: path)
    defer { close(folder) }
    return try body(folder, name)
  }

  private func open(
    _ steps: [(name: String, follows: Bool)],
    makesFolders: Bool,
    path: String
  ) throws(Failure) -> Int32 {
    let top = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard top >= 0 else { throw Failure("open \(root)", number: errno) }
    var stack = [top]
    defer { stack.forEach { close($0) } }
    var rest = Array(steps.reversed())
    var links = 0
    while let step = rest.popLast() {
      if step.name == "." { continue }
      if step.name == ".." {
        if stack.count > 1, let left = stack.popLast() { close(left) }
        continue
      }
      let here = stack[stack.count - 1]
      let next = openat(here, step.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      if next >= 0 {
        stack.append(next)
        continue
      }
      let number = errno
      if number == ENOENT, makesFolders {
        try makeFolder(step.name, in: here, path: path)
        rest.append(step)
        continue
      }
      guard number == ENOTDIR || number == ELOOP, let target = Self.link(step.name, in: here) else {
        throw Failure("open \(step.name) on the way to \(path)", number: number)
      }
      guard step.follows else {
        throw Failure("\(step.name) on the way to \(path) is a symbolic link, which is not followed here")
      }
      links += 1
      guard links <= Self.linksAtMost else { throw Failure("open \(path)", number: ELOOP) }
      if target.hasPrefix("/") {
        while stack.count > 1, let left = stack.popLast() { close(left) }
      }
      rest += target.split(separator: "/").reversed().map { (String($0), true) }
    }
    guard let last = stack.popLast() else { throw Failure("\(path) names no file") }
    return last
  }

  private func makeFolder(_ name: String, in folder: Int32, path: String) throws(Failure) {
    guard mkdirat(folder, name, 0o755) == 0 else {
      if errno == EEXIST { return }
      throw Failure("make \(name) on the way to \(path)", number: errno)
    }
    // Whatever this process masks.
    fchmodat(folder, name, 0o755, 0)
    fsync(folder)
  }

  private static func link(_ name: String, in folder: Int32) -> String? {
    var buffer = [CChar](repeating: 0, count: 4_096)
    let count = readlinkat(folder, name, &buffer, buffer.count)
    guard count > 0 else { return nil }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Looking

  /// What stands at a path; the content of files that are longer than a limit is left out.
  func entry(at path: String, limitBytes: Int) -> TreeEntry {
    do throws(Failure) {
      return try inFolder(of: path) { folder, name throws(Failure) in
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
          if errno == ENOENT { return .missing }
          throw Failure("look at \(path)", number: errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .directory
        case S_IFREG: return .file(try file(name, in: folder, path: path, limitBytes: limitBytes))
        case S_IFLNK:
          guard let target = Self.link(name, in: folder) else { throw Failure("read the link \(path)", number: errno) }
          return .link(target: target)
        case S_IFSOCK: return .other("a socket")
        case S_IFIFO: return .other("a named pipe")
        default: return .other("a device")
        }
      }
    } catch {
      return error.number == ENOENT || error.number == ENOTDIR ? .missing : .unreadable(error.description)
    }
  }

  private func file(_ name: String, in folder: Int32, path: String, limitBytes: Int) throws(Failure) -> TreeFile {
    let descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("open \(path)", number: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Failure("look at \(path)", number: errno) }
    var file = TreeFile(
      content: nil,
      mode: status.st_mode & 0o7777,
      owner: FileOwner(userID: status.st_uid, groupID: status.st_gid)
    )
    guard status.st_size <= limitBytes else { return file }
    do throws(OpenFile.Failure) {
      file.content = try OpenFile.read(descriptor, limitBytes: limitBytes)
    } catch {
      throw Failure("read \(path)", number: error.number)
    }
    return file
  }

  /// The names in a directory, in order; empty when there is none.
  func names(in path: String) -> [String] {
    let names = try? inFolder(of: "\(path)/.") { folder, _ throws(Failure) -> [String] in
      let copy = dup(folder)
      guard copy >= 0, let stream = fdopendir(copy) else {
        if copy >= 0 { close(copy) }
        return []
      }
      rewinddir(stream)
      return OpenFile.names(in: stream)
    }
    return names ?? []
  }
}
