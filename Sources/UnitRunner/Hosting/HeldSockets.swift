// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// The sockets that socket units listen on, and connections that wait for the process that is for them.
///
/// They are held here and not in the node, so that nobody who connects is refused while the node is down.
struct HeldSockets {
  /// How many connections of a unit may wait for their process; further ones stay in the kernel's queue.
  static let waitingLimit = 256

  private struct Holding {
    var request: ListenRequest
    var descriptors: [Int32]
    /// Whether the node wants to know who comes.
    var isWanted = false
    var isWatched = false
  }

  private struct Waiting {
    var unit: String
    var descriptor: Int32
    var connection: SocketConnection
  }

  private var holdings: [String: Holding] = [:]
  private var unitsByDescriptor: [Int32: String] = [:]
  private var waiting: [String: Waiting] = [:]
  private var lastNumber: Int64 = 0

  /// Whether none is held.
  var isEmpty: Bool { holdings.isEmpty && waiting.isEmpty }
  /// The units whose sockets are held.
  var units: [String] { holdings.keys.sorted() }

  /// The unit of a descriptor that is watched; nil when it is none of these.
  func unit(of descriptor: Int32) -> String? { unitsByDescriptor[descriptor] }
  /// A unit's sockets.
  func descriptors(of unit: String) -> [Int32] { holdings[unit]?.descriptors ?? [] }
  /// Whether a unit's sockets are for others to accept from.
  func accepts(_ unit: String) -> Bool { holdings[unit]?.request.accepts ?? false }

  /// What the node wants to know.
  mutating func setWanted(_ unit: String, _ isOn: Bool) { holdings[unit]?.isWanted = isOn }

  /// The descriptors of a unit whose watch is to be changed, after a change of what is wanted or waits.
  mutating func changeWatch(_ unit: String) -> (descriptors: [Int32], isOn: Bool)? {
    guard let holding = holdings[unit] else { return nil }
    let isOn = holding.isWanted && (!holding.request.accepts || mayAccept(unit))
    guard isOn != holding.isWatched else { return nil }
    holdings[unit]?.isWatched = isOn
    return (holding.descriptors, isOn)
  }

  private func mayAccept(_ unit: String) -> Bool {
    waiting.values.count { $0.unit == unit } < Self.waitingLimit
  }

  // MARK: Opening and closing

  /// Makes a unit's sockets, unless they are there already.
  ///
  /// - Throws: ``SocketOpener/Problem``; none is held then.
  mutating func open(_ request: ListenRequest) throws(SocketOpener.Problem) {
    if let old = holdings[request.unit] {
      if old.request.isSame(as: request) { return }
      close(request.unit)
    }
    let opener = SocketOpener(request: request)
    var opened: [Int32] = []
    do {
      for listener in request.listeners { opened.append(try opener.open(listener)) }
      if let path = request.listeners.compactMap(\.path).first { try opener.makeLinks(to: path) }
    } catch {
      opened.forEach { Glibc.close($0) }
      throw error
    }
    holdings[request.unit] = Holding(request: request, descriptors: opened)
    for descriptor in opened { unitsByDescriptor[descriptor] = request.unit }
  }

  /// Closes a unit's sockets, and removes their files where the unit says so; waiting connections stay.
  mutating func close(_ unit: String) {
    guard let holding = holdings.removeValue(forKey: unit) else { return }
    for descriptor in holding.descriptors {
      unitsByDescriptor[descriptor] = nil
      Glibc.close(descriptor)
    }
    guard holding.request.settings.isRemovedOnStop else { return }
    for path in holding.request.listeners.compactMap(\.path) + holding.request.settings.links { _ = unlink(path) }
  }

  // MARK: Connections

  /// Accepts a connection; nil when there is none.
  mutating func accept(_ descriptor: Int32, of unit: String) -> SocketConnection? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    guard accepted >= 0 else { return nil }
    _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
    lastNumber = max(lastNumber + 1, epochMicroseconds())
    let connection = SocketEnds(accepted).connection(id: "\(unit)/connection/\(lastNumber)")
    waiting[connection.id] = Waiting(unit: unit, descriptor: accepted, connection: connection)
    return connection
  }

  /// Connections of a unit that wait and that the node does not know: it was gone before it could take them down.
  func forgottenConnections(_ request: ListenRequest) -> [SocketConnection] {
    waiting.values.filter { $0.unit == request.unit && !request.connections.contains($0.connection.id) }
      .map(\.connection).sorted { $0.id < $1.id }
  }

  /// Closes a connection that waits; one that its process has is not affected.
  ///
  /// - Returns: Its unit; nil when none waits.
  @discardableResult mutating func closeConnection(_ id: String) -> String? {
    guard let connection = waiting.removeValue(forKey: id) else { return nil }
    Glibc.close(connection.descriptor)
    return connection.unit
  }

  /// Closes the waiting connections of a unit.
  mutating func closeConnections(of unit: String) {
    for (id, connection) in waiting where connection.unit == unit { closeConnection(id) }
  }

  /// Drops what waits in a unit's sockets.
  func flush(_ unit: String) {
    guard let holding = holdings[unit] else { return }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    for (listener, descriptor) in zip(holding.request.listeners, holding.descriptors) {
      // What comes faster than it can be dropped is not waited for.
      for _ in 0..<1024 {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 0) == 1, Self.dropOne(listener.kind, descriptor, &buffer) else { break }
      }
    }
  }

  private static func dropOne(_ kind: SocketListener.Kind, _ descriptor: Int32, _ buffer: inout [UInt8]) -> Bool {
    switch kind {
    case .stream, .sequentialPacket:
      let connection = Glibc.accept(descriptor, nil, nil)
      if connection >= 0 { Glibc.close(connection) }
      return connection >= 0
    case .datagram: return recv(descriptor, &buffer, buffer.count, Int32(Glibc.MSG_DONTWAIT)) >= 0
    case .fifo: return read(descriptor, &buffer, buffer.count) > 0
    }
  }

  // MARK: For processes

  /// What a process gets, in order; nil when something of it is not held.
  func descriptors(_ passing: SocketPassing) -> [Int32]? {
    if let id = passing.connection { return waiting[id].map { [$0.descriptor] } }
    var result: [Int32] = []
    for unit in passing.units {
      guard let holding = holdings[unit] else { return nil }
      result += holding.descriptors
    }
    return result
  }
}

/// The two ends of a connection.
private struct SocketEnds {
  private let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// As systemd names instances: both ends, or the process and user of the other side on this machine.
  func connection(id: String) -> SocketConnection {
    guard let ours = end(getsockname), let theirs = end(getpeername) else {
      var process: pid_t = 0
      var user: uid_t = 0
      _ = unit_socket_peer(descriptor, &process, &user)
      return SocketConnection(id: id, ends: "\(process)-\(user)")
    }
    return SocketConnection(
      id: id,
      ends: "\(ours.address):\(ours.port)-\(theirs.address):\(theirs.port)",
      remoteAddress: theirs.address,
      remotePort: theirs.port
    )
  }

  private typealias Question = (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32

  /// Nil for a socket of this machine.
  private func end(_ ask: Question) -> (address: String, port: UInt16)? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      let isKnown = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor, $0, &length) == 0 }
      guard isKnown else { return nil }
      switch Int32(pointer.pointee.ss_family) {
      case AF_INET:
        return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
          (Self.text(AF_INET, &$0.pointee.sin_addr), UInt16(bigEndian: $0.pointee.sin_port))
        }
      case AF_INET6:
        return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
          (Self.text(AF_INET6, &$0.pointee.sin6_addr), UInt16(bigEndian: $0.pointee.sin6_port))
        }
      default: return nil
      }
    }
  }

  /// An address of IPv4 in one of IPv6 is one of IPv4.
  private static func text(_ family: Int32, _ address: UnsafeRawPointer) -> String {
    var buffer = [CChar](repeating: 0, count: 64)
    guard inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return "" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let mapped = "::ffff:"
    return text.hasPrefix(mapped) && text.contains(".") ? String(text.dropFirst(mapped.count)) : text
  }
}
