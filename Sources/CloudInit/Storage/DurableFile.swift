// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Small files that are there whole or not at all.
///
/// Concurrency: all calls block; see ``OwnThread``.
enum DurableFile {
  /// A call of the system that failed.
  struct Failure: Error, CustomStringConvertible {
    var call: String
    var path: String
    var number: Int32

    var description: String { "\(call) \(path): \(String(cString: strerror(number)))" }
  }

  /// Reads a file; nil when there is none.
  ///
  /// - Throws: ``Failure``; also for a file of more than `limitBytes`.
  static func read(_ path: String, limitBytes: Int) throws(Failure) -> [UInt8]? {
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw Failure(call: "open", path: path, number: errno)
    }
    defer { if path != "-" { close(descriptor) } }
    let bytes: [UInt8]?
    do throws(OpenFile.Failure) {
      bytes = try OpenFile.read(descriptor, limitBytes: limitBytes)
    } catch {
      throw Failure(call: "read", path: path, number: error.number)
    }
    guard let bytes else { throw Failure(call: "read", path: path, number: EFBIG) }
    return bytes
  }

  /// Puts a file in the place of what was there, durable when the call returns.
  ///
  /// - Throws: ``Failure``; the old file is then still there.
  static func replace(_ path: String, with bytes: [UInt8]) throws(Failure) {
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Failure(call: "create", path: temporary, number: errno) }
    do {
      defer { close(descriptor) }
      do throws(OpenFile.Failure) {
        try OpenFile.write(bytes, to: descriptor)
      } catch {
        throw Failure(call: "write", path: temporary, number: error.number)
      }
      guard fsync(descriptor) == 0 else { throw Failure(call: "fsync", path: temporary, number: errno) }
    }
    guard rename(temporary, path) == 0 else { throw Failure(call: "rename", path: path, number: errno) }
    try syncFolder(of: path)
  }

  /// Makes a folder and those above it.
  ///
  /// - Throws: ``Failure`` when one cannot be made.
  static func makeFolder(_ path: String) throws(Failure) {
    var prefix = path.hasPrefix("/") ? "" : "."
    for name in path.split(separator: "/") {
      prefix += "/\(name)"
      guard mkdir(prefix, 0o755) == 0 || errno == EEXIST else {
        throw Failure(call: "mkdir", path: prefix, number: errno)
      }
    }
  }

  private static func syncFolder(of path: String) throws(Failure) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(call: "open", path: folder, number: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw Failure(call: "fsync", path: folder, number: errno) }
  }
}
