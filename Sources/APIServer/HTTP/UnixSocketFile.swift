// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The file of a listening unix socket, from binding to removal.
struct UnixSocketFile: Sendable {
  let path: String
  /// The bound socket; its owner closes it.
  let descriptor: CInt
  private let device: dev_t
  private let inode: ino_t

  /// Binds a socket to a path, with the mode its file has from the first moment on.
  ///
  /// A file left by a process that is gone is replaced; one that somebody listens on is not, nor is any other file.
  init(binding path: String, mode: UInt32) throws(APIServerError) {
    guard var address = Self.address(of: path) else {
      throw APIServerError(.badListenAddress, "listen on unix socket \(path): the path is longer than 107 bytes")
    }
    try Self.removeStaleFile(at: path, address: &address)
    let descriptor = Self.makeSocket()
    guard descriptor >= 0 else { throw .system("open a unix socket for \(path)") }
    // Linux gives the file the mode of the socket, so there is no moment in which others could connect.
    fchmod(descriptor, mode_t(mode))
    guard Self.withSocketAddress(&address, { bind(descriptor, $0, $1) }) == 0 else {
      let failure = APIServerError.system("listen on unix socket \(path)")
      close(descriptor)
      throw failure
    }
    // The mask of the process may have taken bits away; it can only have made the mode stricter.
    chmod(path, mode_t(mode))
    var information = stat()
    guard lstat(path, &information) == 0 else {
      let failure = APIServerError.system("look at unix socket \(path)")
      close(descriptor)
      throw failure
    }
    self.path = path
    self.descriptor = descriptor
    device = information.st_dev
    inode = information.st_ino
  }

  /// Removes the file, unless another process has put its own there meanwhile.
  func remove() {
    var information = stat()
    guard lstat(path, &information) == 0, information.st_dev == device, information.st_ino == inode else { return }
    unlink(path)
  }

  private static func removeStaleFile(at path: String, address: inout sockaddr_un) throws(APIServerError) {
    var information = stat()
    guard lstat(path, &information) == 0 else { return }
    guard information.st_mode & S_IFMT == S_IFSOCK else {
      throw APIServerError(.addressInUse, "listen on unix socket \(path): a file that is no socket stands there")
    }
    let probe = makeSocket()
    guard probe >= 0 else { throw .system("open a unix socket for \(path)") }
    defer { close(probe) }
    let connected = withSocketAddress(&address) { connect(probe, $0, $1) }
    // EAGAIN: somebody listens, with a full backlog.
    guard connected != 0, errno == ECONNREFUSED || errno == ENOENT else {
      throw APIServerError(.addressInUse, "listen on unix socket \(path): another process listens there")
    }
    unlink(path)
  }

  private static func makeSocket() -> CInt {
    let flags = CInt(bitPattern: SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    return socket(AF_UNIX, flags, 0)
  }

  private static func address(of path: String) -> sockaddr_un? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < capacity else { return nil }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
  }

  private static func withSocketAddress(
    _ address: inout sockaddr_un,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
