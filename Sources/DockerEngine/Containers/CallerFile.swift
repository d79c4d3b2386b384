// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Files that a command line names: `--env-file`, `--label-file`, `--cidfile`.
enum CallerFile {
  /// The largest file that is read.
  static let limitBytes = 1024 * 1024

  /// Reads a whole text file.
  static func read(_ path: String) throws(DockerEngineError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open \(path)") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limitBytes + 1)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw failure("read \(path)") }
      guard got > 0 else { break }
      count += got
    }
    guard count <= limitBytes else { throw DockerEngineError(.file, "read \(path): larger than \(limitBytes) bytes") }
    guard let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
      throw DockerEngineError(.file, "read \(path): not UTF-8")
    }
    return text
  }

  /// Writes a new file; one that exists is refused.
  static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(DockerEngineError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failure("create \(path)") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw failure("write \(path)") }
  }

  private static func failure(_ action: String) -> DockerEngineError {
    DockerEngineError(.file, "\(action): \(String(cString: strerror(errno)))")
  }
}

/// Lines of `KEY=value` as `--env-file` and `--label-file` hold them.
///
/// Shape: values verbatim, without quotes being taken off; `#` begins a comment at the start of a line only; a line
/// without `=` is a name alone.
enum KeyValueFile {
  struct Entry: Equatable {
    var key: String
    var value: String?
  }

  static func entries(of text: String, path: String) throws(DockerEngineError) -> [Entry] {
    var entries: [Entry] = []
    for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = raw.drop { $0.isWhitespace }
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      let key = line.prefix { $0 != "=" }
      guard !key.isEmpty, !key.contains(where: \.isWhitespace) else {
        throw DockerEngineError(.file, "read \(path): line \(index + 1): \"\(key)\" is no name of a variable")
      }
      let value = key.endIndex == line.endIndex ? nil : String(line[line.index(after: key.endIndex)...])
      entries.append(Entry(key: String(key), value: value))
    }
    return entries
  }
}
