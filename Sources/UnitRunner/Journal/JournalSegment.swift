// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Finding one's way in a file of a journal without reading all of it.
///
/// Every call opens what it needs, so that readers hold no descriptors between calls.
enum JournalSegment {
  static let blockBytes = 64 << 10
  private static let newline = UInt8(ascii: "\n")

  /// Some bytes of a file; nil when there is no such file.
  static func read(_ path: String, from offset: Int, count: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return read(descriptor, from: offset, count: count)
  }

  static func read(_ descriptor: Int32, from offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
        if got > 0 { filled += got } else if got == 0 || errno != EINTR { return }
      }
    }
  }

  static func size(_ descriptor: Int32) -> Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Where the last line that is complete ends.
  static func endOfLastLine(_ descriptor: Int32) -> Int {
    var end = size(descriptor)
    while end > 0 {
      let start = max(0, end - blockBytes)
      let bytes = read(descriptor, from: start, count: end - start)
      if let last = bytes.lastIndex(of: newline) { return start + last + 1 }
      end = start
    }
    return 0
  }

  /// A place at the beginning of a line, before every entry after a position, and not far before the first of them.
  static func offset(after position: JournalPosition, in path: String) -> Int {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    var low = 0
    var high = size(descriptor)
    while high - low > 2 * blockBytes {
      let middle = low + (high - low) / 2
      guard let line = firstEntry(descriptor, from: middle, before: high) else {
        high = middle
        continue
      }
      if line.position <= position { low = line.offset } else { high = middle }
    }
    return low
  }

  /// The first entry whose line begins after an offset.
  private static func firstEntry(
    _ descriptor: Int32,
    from offset: Int,
    before limit: Int
  ) -> (offset: Int, position: JournalPosition)? {
    let bytes = read(descriptor, from: offset, count: min(limit - offset, JournalCoding.lineLimitBytes + 64))
    var start = bytes.firstIndex(of: newline).map { $0 + 1 }
    while let begin = start, begin < bytes.count {
      if let place = JournalCoding.place(of: bytes[begin...], isFormer: false) {
        return (offset + begin, place.position)
      }
      start = bytes[begin...].firstIndex(of: newline).map { $0 + 1 }
    }
    return nil
  }

  /// Goes through the entries of a file from the last to the first for as long as the body says so.
  ///
  /// - Returns: Whether the beginning of the file was reached.
  static func backwards(
    _ path: String,
    isFormer: Bool,
    _ body: (JournalPosition, _ epochMicroseconds: Int64) -> Bool
  ) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    var start = endOfLastLine(descriptor)
    // The beginning of a line whose end has been seen; without bound only in a file that nobody of ours wrote.
    var tail: [UInt8] = []
    while start > 0 {
      let size = min(blockBytes, start)
      start -= size
      var bytes = read(descriptor, from: start, count: size) + tail
      let whole = start == 0 ? 0 : (bytes.firstIndex(of: newline).map { $0 + 1 } ?? bytes.count)
      for line in bytes[whole...].split(separator: newline).reversed() {
        guard let place = JournalCoding.place(of: line, isFormer: isFormer) else { continue }
        guard body(place.position, place.time) else { return false }
      }
      bytes.removeSubrange(whole...)
      tail = bytes.count > 4 * JournalCoding.lineLimitBytes ? [] : bytes
    }
    return true
  }
}
