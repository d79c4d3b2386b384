// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Lines of a unit's output, read from its files as they are asked for, so that a slow reader fills no buffer.
public struct JournalLines: AsyncSequence, Sendable {
  /// What is produced.
  public typealias Element = JournalEntry

  let files: JournalFiles
  let lines: Int
  let follows: Bool

  /// Begins to read.
  public func makeAsyncIterator() -> Iterator {
    Iterator(JournalReader(files, lines: lines), follows: follows)
  }

  /// Reads one line after the other.
  public struct Iterator: AsyncIteratorProtocol {
    /// How often a file that is being followed is looked at.
    static let followInterval = Duration.milliseconds(100)

    private let reader: JournalReader
    private let follows: Bool

    init(_ reader: JournalReader, follows: Bool) {
      self.reader = reader
      self.follows = follows
    }

    /// The next line; nil at the end, and when the task is cancelled.
    public mutating func next() async -> JournalEntry? {
      while true {
        if let entry = reader.next() { return entry }
        guard follows else { return nil }
        do {
          try await Task.sleep(for: Self.followInterval)
        } catch {
          return nil
        }
      }
    }
  }
}

/// Reads a journal from some lines before its end, over the change of files.
///
/// Concurrency: belongs to one iterator.
final class JournalReader {
  private let files: JournalFiles
  private var descriptor: Int32 = -1
  private var buffer: [UInt8] = []
  private var consumed = 0
  private var pending: [JournalEntry]

  init(_ files: JournalFiles, lines: Int) {
    self.files = files
    pending = []
    let current = openFile(files.current)
    var tail = current.map { Self.tail(of: $0, lines: lines) } ?? []
    if tail.count < lines, let previous = openFile(files.previous) {
      tail = Self.tail(of: previous, lines: lines - tail.count) + tail
      close(previous)
    }
    if let current { descriptor = current }
    pending = tail.reversed()
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The next entry that is there; nil when none is.
  func next() -> JournalEntry? {
    if let entry = pending.popLast() { return entry }
    if let entry = takeBuffered() { return entry }
    if descriptor < 0, let current = openFile(files.current) { descriptor = current }
    if fill() { return takeBuffered() }
    // At the end of a file that has been renamed meanwhile, the new one goes on where it ended.
    guard descriptor >= 0, isRotated() else { return nil }
    if fill() { return takeBuffered() }
    close(descriptor)
    descriptor = openFile(files.current) ?? -1
    return fill() ? takeBuffered() : nil
  }

  private func openFile(_ path: String) -> Int32? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    return descriptor < 0 ? nil : descriptor
  }

  private func isRotated() -> Bool {
    var mine = stat()
    var theirs = stat()
    guard fstat(descriptor, &mine) == 0, stat(files.current, &theirs) == 0 else { return false }
    return mine.st_ino != theirs.st_ino
  }

  private func fill() -> Bool {
    guard descriptor >= 0 else { return false }
    var block = [UInt8](repeating: 0, count: 64 << 10)
    let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return false }
    buffer.removeFirst(consumed)
    consumed = 0
    buffer.append(contentsOf: block[..<count])
    return true
  }

  private func takeBuffered() -> JournalEntry? {
    while let end = buffer[consumed...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = buffer[consumed..<end]
      consumed = end + 1
      if let entry = JournalFiles.decode(line) { return entry }
    }
    return nil
  }

  /// The last entries of a file, oldest first; the descriptor stands at the file's end afterwards.
  private static func tail(of descriptor: Int32, lines: Int) -> [JournalEntry] {
    let end = lseek(descriptor, 0, SEEK_END)
    guard lines > 0, end > 0 else { return [] }
    var start = end
    var bytes: [UInt8] = []
    var newlines = 0
    while start > 0, newlines <= lines {
      let size = min(64 << 10, start)
      start -= size
      var block = [UInt8](repeating: 0, count: Int(size))
      let count = block.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, start) }
      guard count == Int(size) else { break }
      newlines += block.count { $0 == UInt8(ascii: "\n") }
      bytes = block + bytes
    }
    // A line that is being written has no newline yet: it is read when it is complete.
    guard let last = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
      lseek(descriptor, 0, SEEK_SET)
      return []
    }
    lseek(descriptor, end - off_t(bytes.count - last - 1), SEEK_SET)
    let complete = bytes[...last].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
    return complete.suffix(lines).compactMap { JournalFiles.decode($0) }
  }
}
