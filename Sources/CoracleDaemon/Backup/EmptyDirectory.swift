// SPDX-License-Identifier: Apache-2.0
import CloudInit
import Glibc

/// A directory that was not there, or was empty: whatever is put into it may be removed again.
struct EmptyDirectory: Sendable {
  let path: String
  private let wasThere: Bool

  /// Makes sure that a directory is there and holds nothing.
  ///
  /// - Throws: ``NodeError`` when it holds something, or cannot be made.
  init(_ path: String) throws {
    guard !path.isEmpty else { throw NodeError("a directory has no name") }
    self.path = path
    switch Self.entries(path) {
    case nil where errno == ENOENT: wasThere = false
    case nil: throw NodeError("cannot use \(path): \(String(cString: strerror(errno)))")
    case []: wasThere = true
    case .some: throw NodeError("\(path) is not empty; name a directory that does not exist yet")
    }
    if !wasThere { try Self.make(path) }
  }

  /// Makes a directory for nobody else to read, and those above it.
  ///
  /// - Throws: ``NodeError``.
  static func make(_ path: String) throws {
    var prefix = path.hasPrefix("/") ? "" : "."
    let names = path.split(separator: "/")
    for (place, name) in names.enumerated() {
      prefix += "/\(name)"
      let mode: mode_t = place == names.count - 1 ? 0o700 : 0o755
      guard mkdir(prefix, mode) == 0 || errno == EEXIST else {
        throw NodeError("cannot make \(path): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// Empties the directory, and removes it when it was not there.
  func remove() {
    for name in Self.entries(path) ?? [] {
      let entry = "\(path)/\(name)"
      // One level below is all that is ever put here.
      for inner in Self.entries(entry) ?? [] { unlink("\(entry)/\(inner)") }
      if rmdir(entry) != 0 { unlink(entry) }
    }
    if !wasThere { rmdir(path) }
  }

  /// The names in a directory; nil when it cannot be read, with the reason in `errno`.
  private static func entries(_ path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
