// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Writes what a tar archive holds below one directory.
///
/// The archive comes from a container, which nobody need trust: no entry leaves the directory, neither by `..` nor by a
/// symbolic link that an earlier entry made.
struct TreeExtraction {
  private let directory: String
  private let base: String
  private let name: String
  private let keepsOwners: Bool
  private var reader = TarReader()
  private var file: (sink: LocalFile, path: String, entry: TarEntry)?
  /// Times of directories, set when nothing comes into them any more.
  private var directories: [(path: String, entry: TarEntry)] = []

  /// - Parameters:
  ///   - directory: Where it goes.
  ///   - base: What the archive calls what it holds.
  ///   - name: What that is called in the directory; empty when it is the directory itself.
  ///   - keepsOwners: Whether owners are those of the archive.
  init(into directory: String, base: String, name: String, keepsOwners: Bool) {
    self.directory = directory
    self.base = base
    self.name = name
    self.keepsOwners = keepsOwners
  }

  /// Takes the next bytes of the archive.
  mutating func receive(_ bytes: [UInt8]) async throws {
    for event in try reader.receive(bytes) {
      switch event {
      case .entry(let entry): try begin(entry)
      case .contents(let bytes): try await file?.sink.write(bytes)
      case .entryEnded:
        if let file { finish(file.path, file.entry, file.sink) }
        file = nil
      }
    }
  }

  /// Ends it, whether the archive is complete or not.
  mutating func finish() {
    file?.sink.close()
    file = nil
    for (path, entry) in directories.reversed() { finish(path, entry, nil) }
    directories = []
  }

  private mutating func begin(_ entry: TarEntry) throws(DockerEngineError) {
    guard let path = try path(entry.name) else { return }
    var status = stat()
    let isThere = lstat(path, &status) == 0
    let isDirectory = isThere && status.st_mode & S_IFMT == S_IFDIR
    if entry.kind == .directory {
      if isThere, !isDirectory { throw DockerEngineError(.file, "create \(path): a file of that name is in the way") }
      if !isThere, mkdir(path, 0o700) != 0 { throw LocalFile.failure("create \(path)") }
      directories.append((path, entry))
      return
    }
    if isDirectory { throw DockerEngineError(.file, "create \(path): a directory of that name is in the way") }
    if isThere, entry.kind != .other { unlink(path) }
    switch entry.kind {
    case .file:
      // Another's link of that name is never followed.
      file = (try LocalFile.writing(path, mode: 0o600, flags: O_CREAT | O_EXCL | O_NOFOLLOW), path, entry)
    case .symbolicLink(let target):
      guard symlink(target, path) == 0 else { throw LocalFile.failure("create the link \(path)") }
      if keepsOwners { _ = lchown(path, uid_t(clamping: entry.owner), gid_t(clamping: entry.group)) }
    case .hardLink(let target):
      guard let source = try self.path(target), link(source, path) == 0 else {
        throw LocalFile.failure("create the link \(path)")
      }
    case .directory, .other: break
    }
  }

  /// Where an entry goes; nil for what lies beside what was asked for.
  private func path(_ entryName: String) throws(DockerEngineError) -> String? {
    var parts = entryName.split(separator: "/").filter { $0 != "." }
    guard !parts.contains("..") else {
      throw DockerEngineError(.badAnswer, "read an archive: \"\(entryName)\" leads out of it")
    }
    if !base.isEmpty, base != "." {
      guard parts.first.map(String.init) == base else { return nil }
      parts.removeFirst()
    }
    var path = name.isEmpty ? directory : directory + "/" + name
    for (position, part) in parts.enumerated() {
      // What an earlier entry made a link leads elsewhere.
      if position > 0 || !name.isEmpty {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK {
          throw DockerEngineError(.badAnswer, "read an archive: \"\(entryName)\" leads through a link")
        }
      }
      path += "/" + part
    }
    return path
  }

  private func finish(_ path: String, _ entry: TarEntry, _ sink: LocalFile?) {
    sink?.close()
    if keepsOwners { _ = lchown(path, uid_t(clamping: entry.owner), gid_t(clamping: entry.group)) }
    chmod(path, entry.mode)
    let time = timespec(tv_sec: time_t(entry.modifiedSeconds), tv_nsec: 0)
    let times = [time, time]
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
  }
}
