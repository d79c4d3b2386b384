// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Calls on open files and folders that go on to their end, whatever signals come between.
///
/// Concurrency: all calls block; see ``OwnThread``.
enum OpenFile {
  /// A call of the system that failed.
  struct Failure: Error {
    var number: Int32
  }

  /// Reads up to the end; nil when there are more than `limitBytes`.
  static func read(_ descriptor: Int32, limitBytes: Int) throws(Failure) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure(number: errno) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limitBytes else { return nil }
    }
  }

  /// Writes everything.
  static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Failure) {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(number: errno) }
      written += count
    }
  }

  /// The names in an open folder, sorted, without those of itself and its parent; closes it.
  static func names(in stream: OpaquePointer) -> [String] {
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }
}
