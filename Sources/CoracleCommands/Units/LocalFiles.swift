// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Local files that commands read whole.
enum LocalFiles {
  private static let maximumTextBytes = 1 << 20

  /// The text of a file; nil when there is none.
  ///
  /// - Throws: ``CommandFailure`` when it is there and cannot be read, or is no text.
  static func text(_ path: String) throws(CommandFailure) -> String? {
    guard let bytes = try bytes(path, maximumBytes: maximumTextBytes) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw CommandFailure("\(path) is not UTF-8") }
    return text
  }

  /// The bytes of a file; nil when there is none.
  ///
  /// - Throws: ``CommandFailure`` when it is there and cannot be read, or is longer than allowed.
  static func bytes(_ path: String, maximumBytes: Int) throws(CommandFailure) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG { return nil }
      throw failure(path)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      // A folder of the unit's name is no unit file.
      if count < 0, errno == EISDIR { return nil }
      guard count >= 0 else { throw failure(path) }
      if count == 0 { break }
      bytes += chunk[..<count]
      guard bytes.count <= maximumBytes else {
        throw CommandFailure("\(path) is longer than \(maximumBytes) bytes")
      }
    }
    return bytes
  }

  /// The names of what is in a folder, sorted; empty when there is none.
  ///
  /// - Throws: ``CommandFailure`` when it is there and cannot be read.
  static func names(in path: String) throws(CommandFailure) -> [String] {
    guard let folder = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG { return [] }
      throw failure(path)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }

  private static func failure(_ path: String) -> CommandFailure {
    CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))")
  }
}
