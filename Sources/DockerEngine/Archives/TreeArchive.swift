// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A file or directory of the caller's as a tar archive, made while it is read.
actor TreeArchive {
  private struct Pending {
    var path: String
    var name: String
  }

  /// What is still to come, the next one last.
  private var pending: [Pending]
  private var file: (source: LocalFile, leftBytes: Int64, padding: Int)?
  private var isEnded = false

  /// - Parameters:
  ///   - path: Where it is.
  ///   - name: What it is called in the archive.
  init(_ path: String, as name: String) {
    pending = [Pending(path: path, name: name)]
  }

  /// The next bytes; nil behind the end.
  func next() async throws -> [UInt8]? {
    if let current = file { return try await contents(current.source, current.leftBytes, current.padding) }
    while let entry = pending.popLast() {
      if let header = try begin(entry) { return header }
    }
    guard !isEnded else { return nil }
    isEnded = true
    return [UInt8](repeating: 0, count: 2 * TarEntry.blockBytes)
  }

  private func contents(_ source: LocalFile, _ leftBytes: Int64, _ padding: Int) async throws -> [UInt8] {
    var bytes = leftBytes > 0 ? try await source.read() ?? [] : []
    // The header has said how long the file is; one that has shrunk is filled up, and what has grown is left out.
    if Int64(bytes.count) > leftBytes { bytes = Array(bytes.prefix(Int(leftBytes))) }
    if bytes.isEmpty, leftBytes > 0 {
      bytes = [UInt8](repeating: 0, count: Int(min(leftBytes, Int64(LocalFile.pieceBytes))))
    }
    let left = leftBytes - Int64(bytes.count)
    guard left == 0 else {
      file = (source, left, padding)
      return bytes
    }
    source.close()
    file = nil
    return bytes + [UInt8](repeating: 0, count: padding)
  }

  /// The entry's header; nil for what archives do not have, such as a socket.
  private func begin(_ item: Pending) throws(DockerEngineError) -> [UInt8]? {
    var status = stat()
    guard lstat(item.path, &status) == 0 else { throw LocalFile.failure("look at \(item.path)") }
    var entry = TarEntry(
      name: item.name,
      kind: .file,
      mode: status.st_mode & 0o7777,
      owner: Int64(status.st_uid),
      group: Int64(status.st_gid),
      modifiedSeconds: Int64(status.st_mtim.tv_sec)
    )
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      entry.kind = .directory
      let names = try LocalFile.names(in: item.path)
      pending += names.reversed().map { Pending(path: item.path + "/" + $0, name: item.name + "/" + $0) }
    case S_IFLNK: entry.kind = .symbolicLink(try LocalFile.target(of: item.path))
    case S_IFREG:
      entry.sizeBytes = Int64(status.st_size)
      file = (try LocalFile.reading(item.path), entry.sizeBytes, TarEntry.padding(entry.sizeBytes))
    default: return nil
    }
    return entry.header
  }
}

extension LocalFile {
  /// The names in a directory, sorted.
  static func names(in path: String) throws(DockerEngineError) -> [String] {
    guard let directory = opendir(path) else { throw failure("list \(path)") }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Where a symbolic link points.
  static func target(of path: String) throws(DockerEngineError) -> String {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &bytes, bytes.count)
    guard count >= 0 else { throw failure("read the link \(path)") }
    return String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
