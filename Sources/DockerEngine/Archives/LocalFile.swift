// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOPosix

/// A file of the caller's that is read or written piece by piece, on a thread that may block.
///
/// Concurrency: one call at a time.
struct LocalFile: Sendable {
  /// The size of a piece.
  static let pieceBytes = 128 * 1024

  private let descriptor: Int32
  private let path: String

  private init(_ descriptor: Int32, _ path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens a file to be read.
  static func reading(_ path: String) throws(DockerEngineError) -> LocalFile {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open \(path)") }
    return LocalFile(descriptor, path)
  }

  /// Makes a file, or empties one that is there.
  static func writing(_ path: String, mode: mode_t, flags: Int32 = O_CREAT | O_TRUNC) throws(DockerEngineError)
    -> LocalFile
  {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | flags, mode)
    guard descriptor >= 0 else { throw failure("create \(path)") }
    return LocalFile(descriptor, path)
  }

  /// The next bytes; nil at the end.
  func read() async throws -> [UInt8]? {
    try await NIOThreadPool.singleton.runIfActive { [descriptor, path] in
      var bytes = [UInt8](repeating: 0, count: Self.pieceBytes)
      while true {
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw Self.failure("read \(path)") }
        return count == 0 ? nil : Array(bytes[..<count])
      }
    }
  }

  /// Writes all of it.
  func write(_ bytes: [UInt8]) async throws {
    try await NIOThreadPool.singleton.runIfActive { [descriptor, path] in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw Self.failure("write \(path)") }
        rest = rest.dropFirst(count)
      }
    }
  }

  func close() {
    Glibc.close(descriptor)
  }

  static func failure(_ action: String) -> DockerEngineError {
    DockerEngineError(.file, "\(action): \(String(cString: strerror(errno)))")
  }
}
