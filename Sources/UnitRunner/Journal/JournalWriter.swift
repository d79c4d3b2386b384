// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Where a unit's journal is kept, and how a line of it is written.
///
/// Shape: `MICROSECONDS TAB PROCESS-ID TAB SOURCE TAB TEXT`, one line each, `-` for no process. There are two files,
/// `current` and, once that has reached its limit, `previous`.
struct JournalFiles: Sendable {
  /// The longest text of a line, in bytes; longer ones are split, as journald does.
  static let lineLimitBytes = 48 << 10

  let directory: String

  init(stateDirectory: String, unit: String) {
    directory = "\(stateDirectory)/journal/\(unit)"
  }

  var current: String { "\(directory)/current" }
  var previous: String { "\(directory)/previous" }

  static func encode(_ line: HostedLine, into bytes: inout [UInt8]) {
    let processID = line.processID.map { String($0) } ?? "-"
    let source = line.source.map { $0 == "\t" || $0 == "\n" ? " " : $0 }
    bytes.append(contentsOf: "\(line.epochMicroseconds)\t\(processID)\t\(String(source))\t".utf8)
    bytes.append(contentsOf: line.text.utf8.prefix(lineLimitBytes).map { $0 == UInt8(ascii: "\n") ? 32 : $0 })
    bytes.append(UInt8(ascii: "\n"))
  }

  static func decode(_ line: ArraySlice<UInt8>) -> JournalEntry? {
    let fields = line.split(separator: UInt8(ascii: "\t"), maxSplits: 3, omittingEmptySubsequences: false)
    guard fields.count == 4, let time = Int64(String(decoding: fields[0], as: UTF8.self)) else { return nil }
    return JournalEntry(
      epochMicroseconds: time,
      source: String(decoding: fields[2], as: UTF8.self),
      processID: Int32(String(decoding: fields[1], as: UTF8.self)),
      text: String(decoding: fields[3], as: UTF8.self)
    )
  }
}

/// Appends to units' journals; only the unit-host has one.
struct JournalWriter {
  let stateDirectory: String
  var fileLimitBytes: Int

  /// Appends lines to a unit's journal.
  ///
  /// A full disk loses them: a unit does not stop because its output cannot be kept.
  func append(_ lines: [HostedLine], to unit: String) {
    guard !lines.isEmpty else { return }
    let files = JournalFiles(stateDirectory: stateDirectory, unit: unit)
    var bytes: [UInt8] = []
    for line in lines { JournalFiles.encode(line, into: &bytes) }
    guard let descriptor = openCurrent(files) else { return }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { written += count } else if errno != EINTR { break }
    }
    var status = stat()
    let isFull = fstat(descriptor, &status) == 0 && Int(status.st_size) >= fileLimitBytes
    close(descriptor)
    if isFull { rename(files.current, files.previous) }
  }

  private func openCurrent(_ files: JournalFiles) -> Int32? {
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
    var descriptor = open(files.current, flags, 0o600)
    if descriptor < 0, errno == ENOENT, makeDirectories(files.directory) {
      descriptor = open(files.current, flags, 0o600)
    }
    return descriptor < 0 ? nil : descriptor
  }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter {
  private var rest: [UInt8] = []

  /// The lines that are complete with these bytes; one that is too long comes in pieces.
  mutating func take(_ bytes: ArraySlice<UInt8>) -> [String] {
    var lines: [String] = []
    for piece in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if piece.offset > 0 {
        lines.append(String(decoding: rest, as: UTF8.self))
        rest.removeAll(keepingCapacity: true)
      }
      rest.append(contentsOf: piece.element)
      while rest.count > JournalFiles.lineLimitBytes {
        lines.append(String(decoding: rest.prefix(JournalFiles.lineLimitBytes), as: UTF8.self))
        rest.removeFirst(JournalFiles.lineLimitBytes)
      }
    }
    return lines
  }

  /// What is left at the end of the stream.
  mutating func finish() -> String? {
    defer { rest = [] }
    return rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
  }
}
