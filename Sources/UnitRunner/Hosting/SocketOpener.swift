// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// Makes the sockets of a socket unit.
struct SocketOpener {
  /// Why one cannot be made.
  struct Problem: Error {
    var text: String
    /// The machine has no such addresses.
    var isMissingFamily = false
  }

  let request: ListenRequest

  /// Makes one.
  ///
  /// - Throws: ``Problem``; nothing stays open then.
  func open(_ listener: SocketListener) throws(Problem) -> Int32 {
    switch listener.address {
    case .path(let path) where listener.kind == .fifo: return try openFIFO(path)
    case .path(let path): return try openLocal(listener, path: path)
    case .abstract(let name): return try openLocal(listener, name: name)
    case .ipv4(let host, let port): return try openIPv4(listener, host, port)
    case .ipv6(let host, let port): return try openIPv6(listener, host, port)
    case .port(let port):
      do {
        return try openIPv6(listener, "::", port)
      } catch {
        guard error.isMissingFamily else { throw error }
        return try openIPv4(listener, "0.0.0.0", port)
      }
    }
  }

  /// Makes the links to the one file that there is.
  func makeLinks(to path: String) throws(Problem) {
    for link in request.settings.links {
      makeParent(of: link)
      if isFile(link, S_IFLNK) { _ = unlink(link) }
      guard symlink(path, link) == 0 else {
        throw Problem(text: "cannot make \(link) a link to \(path): \(errorText(errno))")
      }
    }
  }

  // MARK: Files

  private func openFIFO(_ path: String) throws(Problem) -> Int32 {
    makeParent(of: path)
    guard mkfifo(path, request.settings.mode) == 0 || errno == EEXIST else { throw problem("make \(path)") }
    // Without the other end the service would find the end of the file; so it has both.
    let descriptor = Glibc.open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw problem("open \(path)") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
      close(descriptor)
      throw Problem(text: "\(path) is there and no FIFO")
    }
    _ = fchmod(descriptor, request.settings.mode)
    if let problem = own({ fchown(descriptor, $0, $1) }, path) {
      close(descriptor)
      throw problem
    }
    // F_SETPIPE_SZ
    if let bytes = request.settings.pipeBytes { _ = fcntl(descriptor, 1031, bytes) }
    return descriptor
  }

  private func openLocal(_ listener: SocketListener, path: String) throws(Problem) -> Int32 {
    makeParent(of: path)
    let descriptor = try make(AF_UNIX, listener)
    // It is bound with no more than that, so that nobody may do more even at first.
    _ = fchmod(descriptor, request.settings.mode)
    let bytes = Array(path.utf8)
    var isBound = Self.bind(descriptor, bytes + [0])
    // What an earlier one left behind; nobody hears anything from there any more.
    if !isBound, errno == EADDRINUSE, isFile(path, S_IFSOCK), unlink(path) == 0 {
      isBound = Self.bind(descriptor, bytes + [0])
    }
    guard isBound else {
      let error = problem("bind to \(path)")
      close(descriptor)
      throw error
    }
    do {
      try adjust(path)
    } catch {
      close(descriptor)
      throw error
    }
    return try listen(descriptor, listener)
  }

  /// Gives the file of a socket its mode and owner.
  ///
  /// Whoever may write to its directory may have put something else there by now, which is left alone.
  func adjust(_ path: String) throws(Problem) {
    // O_PATH
    let file = Glibc.open(path, 0o10000000 | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { throw problem("open \(path)") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid() else {
      throw Problem(text: "\(path) is no longer the socket that was made there")
    }
    guard chmod("/proc/self/fd/\(file)", request.settings.mode) == 0 else {
      throw problem("change the mode of \(path)")
    }
    // AT_EMPTY_PATH
    if let problem = own({ fchownat(file, "", $0, $1, 0x1000) }, path) { throw problem }
  }

  private func openLocal(_ listener: SocketListener, name: String) throws(Problem) -> Int32 {
    try open(AF_UNIX, listener, at: "@\(name)") { Self.bind($0, [0] + Array(name.utf8)) }
  }

  /// Makes a socket, binds it and has it listen.
  private func open(
    _ family: Int32,
    _ listener: SocketListener,
    at place: String,
    bind: (Int32) -> Bool
  ) throws(Problem) -> Int32 {
    let descriptor = try make(family, listener)
    guard bind(descriptor) else {
      let error = problem("bind to \(place)")
      close(descriptor)
      throw error
    }
    return try listen(descriptor, listener)
  }

  private static func bind(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard bytes.count <= MemoryLayout.size(ofValue: address.sun_path),
      let start = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)
    else {
      errno = ENAMETOOLONG
      return false
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return bind(descriptor, &address, start + bytes.count)
  }

  private func isFile(_ path: String, _ type: mode_t) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == type
  }

  private func makeParent(of path: String) {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
    _ = makeDirectories(String(path[..<slash]), mode: mode_t(request.settings.directoryMode))
  }

  private func own(_ change: (uid_t, gid_t) -> Int32, _ path: String) -> Problem? {
    guard request.userID != nil || request.groupID != nil else { return nil }
    guard change(request.userID ?? uid_t.max, request.groupID ?? gid_t.max) != 0 else { return nil }
    return problem("change the owner of \(path)")
  }

  // MARK: Addresses

  private func openIPv4(_ listener: SocketListener, _ host: String, _ port: UInt16) throws(Problem) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw Problem(text: "\(host) is no address") }
    return try open(AF_INET, listener, at: "\(host):\(port)") {
      Self.bind($0, &address, MemoryLayout<sockaddr_in>.size)
    }
  }

  private func openIPv6(_ listener: SocketListener, _ host: String, _ port: UInt16) throws(Problem) -> Int32 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { throw Problem(text: "\(host) is no address") }
    return try open(AF_INET6, listener, at: "[\(host)]:\(port)") {
      Self.bind($0, &address, MemoryLayout<sockaddr_in6>.size)
    }
  }

  private static func bind<Address>(_ descriptor: Int32, _ address: inout Address, _ size: Int) -> Bool {
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(size)) == 0
      }
    }
  }

  // MARK: The socket itself

  private func make(_ family: Int32, _ listener: SocketListener) throws(Problem) -> Int32 {
    let type =
      switch listener.kind {
      case .stream, .fifo: SOCK_STREAM
      case .datagram: SOCK_DGRAM
      case .sequentialPacket: SOCK_SEQPACKET
      }
    let descriptor = socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw problem("make a socket") }
    for option in SocketOption.all(request.settings, family: family, isStream: listener.kind == .stream) {
      guard !option.set(on: descriptor), option.isNeeded else { continue }
      let error = problem("set \(option.directive)=")
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private func listen(_ descriptor: Int32, _ listener: SocketListener) throws(Problem) -> Int32 {
    guard listener.kind != .datagram else { return descriptor }
    guard Glibc.listen(descriptor, request.settings.backlog) == 0 else {
      let error = problem("listen on \(listener)")
      close(descriptor)
      throw error
    }
    // Accepting must not block this thread; the service gets connections, which are not affected.
    if request.accepts { makeNonBlocking(descriptor) }
    return descriptor
  }

  private func problem(_ what: String) -> Problem {
    let number = errno
    return Problem(
      text: "cannot \(what): \(errorText(number))",
      isMissingFamily: number == EAFNOSUPPORT || number == EADDRNOTAVAIL
    )
  }
}

/// One option of a socket.
private struct SocketOption {
  var directive: String
  var level: Int32
  var number: Int32
  var bytes: [UInt8]
  /// Whether the socket is of no use without it.
  var isNeeded = false

  init(_ directive: String, _ level: Int32, _ number: Int32, _ value: Int32, isNeeded: Bool = false) {
    self.init(directive, level, number, withUnsafeBytes(of: value) { Array($0) }, isNeeded: isNeeded)
  }

  init(_ directive: String, _ level: Int32, _ number: Int32, _ bytes: [UInt8], isNeeded: Bool = false) {
    self.directive = directive
    self.level = level
    self.number = number
    self.bytes = bytes
    self.isNeeded = isNeeded
  }

  func set(on descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { setsockopt(descriptor, level, number, $0.baseAddress, socklen_t($0.count)) == 0 }
  }

  /// What settings ask for; numbers are the kernel's, from `asm-generic/socket.h`, `linux/in.h` and `linux/tcp.h`.
  static func all(_ settings: SocketDefinition.Settings, family: Int32, isStream: Bool) -> [SocketOption] {
    var options: [SocketOption] = []
    let socket = SOL_SOCKET
    if let bytes = settings.receiveBufferBytes {
      options += [SocketOption("ReceiveBuffer", socket, 8, bytes), SocketOption("ReceiveBuffer", socket, 33, bytes)]
    }
    if let bytes = settings.sendBufferBytes {
      options += [SocketOption("SendBuffer", socket, 7, bytes), SocketOption("SendBuffer", socket, 32, bytes)]
    }
    if settings.passesCredentials, family == AF_UNIX {
      options.append(SocketOption("PassCredentials", socket, 16, 1, isNeeded: true))
    }
    guard family != AF_UNIX else { return options }
    options.append(SocketOption("", socket, 2, 1))
    if settings.reusesPort { options.append(SocketOption("ReusePort", socket, 15, 1, isNeeded: true)) }
    if settings.mayBroadcast { options.append(SocketOption("Broadcast", socket, 6, 1)) }
    if settings.keepsAlive { options.append(SocketOption("KeepAlive", socket, 9, 1)) }
    if let priority = settings.priority { options.append(SocketOption("Priority", socket, 12, priority)) }
    if let mark = settings.mark { options.append(SocketOption("Mark", socket, 36, mark)) }
    if let device = settings.device {
      options.append(SocketOption("BindToDevice", socket, 25, Array(device.utf8) + [0], isNeeded: true))
    }
    options += ofAddresses(settings, family)
    return isStream ? options + ofConnections(settings) : options
  }

  private static func ofAddresses(_ settings: SocketDefinition.Settings, _ family: Int32) -> [SocketOption] {
    var options: [SocketOption] = []
    if family == AF_INET6, settings.ipv6Binding != .default {
      let isOnly: Int32 = settings.ipv6Binding == .ipv6Only ? 1 : 0
      options.append(SocketOption("BindIPv6Only", 41, 26, isOnly, isNeeded: true))
    }
    // For both families the options of IPv4 hold, and where there are others these too.
    if settings.bindsFreely { options.append(SocketOption("FreeBind", 0, 15, 1, isNeeded: family == AF_INET)) }
    if settings.bindsFreely, family == AF_INET6 { options.append(SocketOption("FreeBind", 41, 78, 1)) }
    if settings.isTransparent { options.append(SocketOption("Transparent", 0, 19, 1)) }
    if settings.isTransparent, family == AF_INET6 { options.append(SocketOption("Transparent", 41, 75, 1)) }
    if let hops = settings.timeToLive {
      options.append(SocketOption("IPTTL", 0, 2, hops))
      if family == AF_INET6 { options.append(SocketOption("IPTTL", 41, 16, hops)) }
    }
    return options
  }

  private static func ofConnections(_ settings: SocketDefinition.Settings) -> [SocketOption] {
    var options: [SocketOption] = []
    if settings.hasNoDelay { options.append(SocketOption("NoDelay", 6, 1, 1)) }
    if let seconds = settings.keepAliveSeconds { options.append(SocketOption("KeepAliveTimeSec", 6, 4, seconds)) }
    if let seconds = settings.keepAliveIntervalSeconds {
      options.append(SocketOption("KeepAliveIntervalSec", 6, 5, seconds))
    }
    if let probes = settings.keepAliveProbes { options.append(SocketOption("KeepAliveProbes", 6, 6, probes)) }
    if let seconds = settings.deferAcceptSeconds { options.append(SocketOption("DeferAcceptSec", 6, 9, seconds)) }
    if let name = settings.congestion { options.append(SocketOption("TCPCongestion", 6, 13, Array(name.utf8))) }
    return options
  }
}
