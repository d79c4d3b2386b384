// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A known_hosts file on this machine, which need not be there.
struct KnownHostsFile {
  let path: String

  private static let maximumBytes = 16 * 1024 * 1024

  /// Reads it; a file that is not there knows nobody.
  ///
  /// - Throws: ``SSHError`` naming the file when it cannot be read.
  func read() throws(SSHError) -> KnownHosts {
    guard let bytes = try LocalFile.read(path, limit: Self.maximumBytes) else { return KnownHosts("") }
    return KnownHosts(String(decoding: bytes, as: UTF8.self))
  }

  /// Adds a server's key at the end; makes the file, for its owner alone, and its directory.
  ///
  /// - Throws: ``SSHError`` naming the file when it cannot be written.
  func add(_ key: HostKey, of address: SSHAddress) throws(SSHError) {
    func failure(_ doing: String) -> SSHError {
      let reason = SSHError.reason(errno)
      return SSHError(.local, "cannot \(doing) known hosts file \(path): \(reason); --known-hosts-file names another")
    }
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      // A directory that cannot be made is told of by the file that cannot be.
      mkdir(String(path[..<slash]), 0o700)
    }
    let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write") }
    defer { close(descriptor) }
    var line = "\(address.knownHostsName) \(key.line)\n"
    let end = lseek(descriptor, 0, SEEK_END)
    var last: UInt8 = 0
    if end > 0, pread(descriptor, &last, 1, end - 1) == 1, last != UInt8(ascii: "\n") { line = "\n" + line }
    // One write, so that two programs at once do not mix their lines.
    guard write(descriptor, line, line.utf8.count) == line.utf8.count else { throw failure("write") }
  }
}

/// Small files of this machine.
enum LocalFile {
  /// The bytes of a file; nil when there is none.
  ///
  /// - Throws: ``SSHError`` naming the file when it cannot be read or is longer than `limit`.
  static func read(_ path: String, limit: Int) throws(SSHError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw SSHError(.local, "cannot read \(path): \(SSHError.reason(errno))")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw SSHError(.local, "cannot read \(path): \(SSHError.reason(errno))") }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= limit else { throw SSHError(.local, "\(path) is longer than \(limit) bytes") }
    }
  }
}
