// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Glibc

/// Writes the lines of a tree into a store: a few at a time, whatever the size of the whole.
///
/// Files are replaced, directories that are there are kept, and get the line's time to live if it has one.
struct TreeImport {
  /// Files that are written at the same time.
  static let concurrentWrites = 32
  /// Longest line; a value has 10 MiB at most, which escapes may make six times as long.
  static let maximumLineBytes = 64 << 20

  let keys: any KeysAPI
  let output: CommandOutput

  /// What has been done so far.
  private struct Progress {
    var lineNumber = 0
    var fileCount = 0
    var directoryCount = 0
    /// Whether there was a first line, so that there must be a last one.
    var hasHeader = false
    var isComplete = false
  }

  /// Imports all lines.
  ///
  /// - Parameter readLine: The next line without its line feed; nil at the end.
  /// - Returns: The exit code.
  func run(_ readLine: () throws(CommandFailure) -> [UInt8]?) async -> Int32 {
    var progress = Progress()
    let failure = await withTaskGroup(of: LineFailure?.self) { group -> LineFailure? in
      var running = 0
      do throws(CommandFailure) {
        while let bytes = try readLine() {
          progress.lineNumber += 1
          if bytes.isEmpty { continue }
          let number = progress.lineNumber
          guard !progress.isComplete else { throw CommandFailure("it stands behind the last line of an export") }
          switch try TreeLine(bytes) {
          case .header: progress.hasHeader = true
          case .end(let keys, let directories):
            guard keys == progress.fileCount, directories == progress.directoryCount else {
              throw CommandFailure("it counts \(keys) keys and \(directories) directories, other than there were")
            }
            progress.isComplete = true
          case .directory(let key, let ttl):
            progress.directoryCount += 1
            // What is in it comes behind it.
            if let error = await makeDirectory(key, ttl) { return .refused(number, error) }
          case .file(let key, let value, let ttl):
            progress.fileCount += 1
            running += 1
            if running > Self.concurrentWrites, let failure = await group.next() ?? nil { return failure }
            group.addTask { await writeFile(key, value, ttl).map { .refused(number, $0) } }
          }
        }
      } catch {
        return .unreadable(progress.lineNumber, error.message)
      }
      for await failure in group { if let failure { return failure } }
      guard progress.isComplete || !progress.hasHeader else { return .cutOff(progress.lineNumber) }
      return nil
    }
    guard let failure else {
      output.errorLine("imported \(progress.fileCount) keys and \(progress.directoryCount) directories")
      return KeyValueExit.done
    }
    return failure.report(to: output)
  }

  private func writeFile(_ key: String, _ value: String, _ ttl: UInt64?) async -> EtcdError? {
    do throws(EtcdError) {
      try await keys.set(NodeKey.cleaned(key), value, ttl: timeToLive(ttl ?? 0))
      return nil
    } catch {
      return error
    }
  }

  private func makeDirectory(_ key: String, _ ttl: UInt64?) async -> EtcdError? {
    let key = NodeKey.cleaned(key)
    let life = timeToLive(ttl ?? 0)
    do throws(EtcdError) {
      // A file in its place is replaced; a directory that is there is kept.
      _ = try await keys.perform(.write(key: key, .set(value: "", isDirectory: true, ttl: life, refresh: false)))
    } catch {
      guard error.code == .notFile else { return error }
      guard ttl != nil else { return nil }
      do throws(EtcdError) {
        _ = try await keys.perform(.write(key: key, .update(value: nil, ttl: life, refresh: false)))
      } catch {
        return error
      }
    }
    return nil
  }
}

/// Why an import ended early.
private enum LineFailure: Sendable {
  case unreadable(Int, String)
  case refused(Int, EtcdError)
  case cutOff(Int)

  func report(to output: CommandOutput) -> Int32 {
    switch self {
    case .unreadable(let number, let reason):
      output.errorLine("Error:  line \(number): \(reason)")
      return KeyValueExit.badArguments
    case .refused(let number, let error):
      output.errorLine("Error:  line \(number) was not imported")
      output.reportFailure(error)
      return KeyValueExit.serverError
    case .cutOff(let number):
      output.errorLine("Error:  the export is cut off behind line \(number)")
      return KeyValueExit.badArguments
    }
  }
}

/// The lines of a file or of standard input, read as they are wanted.
final class LineReader {
  private let descriptor: Int32
  private let name: String
  private var chunk = [UInt8](repeating: 0, count: 65_536)
  private var pending: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

  /// Opens a file; `-` is standard input.
  ///
  /// - Throws: ``CommandFailure`` when it cannot be opened.
  init(path: String) throws(CommandFailure) {
    name = path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
  }

  /// The next line without its line feed; nil at the end.
  ///
  /// It blocks its thread.
  ///
  /// - Throws: ``CommandFailure`` when the file cannot be read, or a line is too long.
  func next() throws(CommandFailure) -> [UInt8]? {
    var searched = position
    while true {
      if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { position = end + 1 }
        return Array(pending[position..<end])
      }
      guard !isAtEnd else {
        defer { position = pending.count }
        return position < pending.count ? Array(pending[position...]) : nil
      }
      guard pending.count - position <= TreeImport.maximumLineBytes else {
        throw CommandFailure("it is longer than \(TreeImport.maximumLineBytes) bytes")
      }
      pending.removeFirst(position)
      position = 0
      searched = pending.count
      try fill()
    }
  }

  private func fill() throws(CommandFailure) {
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw CommandFailure("cannot read \(name): \(String(cString: strerror(errno)))") }
      isAtEnd = count == 0
      pending += chunk[..<count]
      return
    }
  }
}
