// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import DockerEngine

/// Bytes between clients and an engine that is played by the test, over real sockets.
@Suite(.serialized, .timeLimit(.minutes(2))) struct EngineForwarderTests {
  /// A forwarder on a port of loopback and on a file, with what it has logged.
  private struct Scene {
    let forwarder: EngineForwarder
    let port: UInt16
    let file: String
    let log: CollectedLog
  }

  private func with(
    _ limits: EngineForwarder.Limits = EngineForwarder.Limits(),
    engineAt url: String? = nil,
    _ body: (Scene, Engine) async throws -> Void
  ) async throws {
    try await withTestDirectory { directory in
      let engine = try Engine(at: directory.appendingPathComponent("engine.sock").path)
      let log = CollectedLog()
      let forwarder = try EngineForwarder(
        to: url ?? "unix://\(engine.path)",
        limits: limits,
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: "test") { _ in log }
      )
      let (listener, port) = try Wire.listenOnLoopback()
      let file = directory.appendingPathComponent("front.sock").path
      try await forwarder.serve(.init(descriptor: listener, isTCP: true))
      try await forwarder.serve(.init(descriptor: Wire.listen(at: file), isTCP: false))
      let result: Result<Void, any Error>
      do {
        result = .success(try await body(Scene(forwarder: forwarder, port: port, file: file, log: log), engine))
      } catch {
        result = .failure(error)
      }
      await forwarder.shutdown()
      engine.close()
      try result.get()
    }
  }

  @Test func `who has sent all it has still gets its answer, over TCP and over a file`() async throws {
    try await with { scene, engine in
      for isTCP in [true, false] {
        let client = try isTCP ? Wire.connect(port: scene.port) : Wire.connect(file: scene.file)
        try client.send("request")
        client.finish()
        let server = try await engine.accept()
        #expect(try await server.readToEnd() == "request")
        // Only now does the engine begin to answer.
        try server.send("an answer")
        server.finish()
        #expect(try await client.readToEnd() == "an answer")
        try await eventually("nothing is left") { scene.forwarder.connectionCount == 0 }
      }
    }
  }

  @Test func `the engine may end first, and is still heard`() async throws {
    try await with { scene, engine in
      let client = try Wire.connect(port: scene.port)
      let server = try await engine.accept()
      try server.send("hello")
      server.finish()
      #expect(try await client.readToEnd() == "hello")
      try client.send("late words")
      client.finish()
      #expect(try await server.readToEnd() == "late words")
      try await eventually("nothing is left") { scene.forwarder.connectionCount == 0 }
    }
  }

  @Test func `a connection that is upgraded passes bytes both ways`() async throws {
    try await with { scene, engine in
      let client = try Wire.connect(port: scene.port)
      let request = "POST /containers/x/attach?stream=1 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
      try client.send(request)
      let server = try await engine.accept()
      #expect(try await server.read(request.utf8.count) == request)
      try server.send("HTTP/1.1 101 UPGRADED\r\n\r\n")
      #expect(try await client.read(25) == "HTTP/1.1 101 UPGRADED\r\n\r\n")
      for number in 1...20 {
        try client.send("in \(number)\u{0}")
        #expect(try await server.read("in \(number)\u{0}".utf8.count) == "in \(number)\u{0}")
        try server.send("out \(number)\u{1}")
        #expect(try await client.read("out \(number)\u{1}".utf8.count) == "out \(number)\u{1}")
      }
    }
  }

  @Test func `a reader that stands still holds up the writer, and loses nothing`() async throws {
    try await with { scene, engine in
      let client = try Wire.connect(port: scene.port)
      let server = try await engine.accept()
      // Sockets' buffers hold some megabytes; an unbounded forwarder would take it all.
      let total = 256 << 20
      var sent = 0
      let piece = [UInt8](repeating: 7, count: 1 << 20)
      var still = 0
      while sent < total, still < 20 {
        let count = server.sendNow(piece)
        sent += count
        still = count == 0 ? still + 1 : 0
        if count == 0 { try await Task.sleep(for: .milliseconds(20)) }
      }
      #expect(sent < 64 << 20, "\(sent) bytes were taken though nobody reads")
      server.finish()
      #expect(try await client.countToEnd() == sent)
    }
  }

  @Test func `there are no more connections than are allowed`() async throws {
    var limits = EngineForwarder.Limits()
    limits.connections = 2
    try await with(limits) { scene, engine in
      let first = try Wire.connect(port: scene.port)
      let second = try Wire.connect(file: scene.file)
      let servers = [try await engine.accept(), try await engine.accept()]
      for _ in 1...3 {
        let third = try Wire.connect(port: scene.port)
        #expect(try await third.readToEnd() == "", "third")
      }
      #expect(scene.log.lines.count { $0.contains("there are too many") } == 1, "\(scene.log.lines)")
      first.reset()
      try await eventually("there is room again") { scene.forwarder.connectionCount == 1 }
      let fourth = try Wire.connect(port: scene.port)
      try fourth.send("x")
      let next = try await engine.accept()
      #expect(try await next.read(1) == "x", "fourth")
      _ = (second, servers)
    }
  }

  @Test func `an engine that is away for a moment is waited for, with what was sent`() async throws {
    try await with { scene, engine in
      engine.close()
      let client = try Wire.connect(port: scene.port)
      try client.send("early")
      client.finish()
      try await Task.sleep(for: .milliseconds(200))
      try engine.open()
      let server = try await engine.accept()
      #expect(try await server.readToEnd() == "early")
      #expect(scene.log.lines.isEmpty, "\(scene.log.lines)")
    }
  }

  @Test func `an engine that stays away closes connections with one line, and one when it is back`() async throws {
    var limits = EngineForwarder.Limits()
    limits.patience = .milliseconds(150)
    try await with(limits) { scene, engine in
      engine.close()
      for _ in 1...3 { #expect(try await Wire.connect(port: scene.port).readToEnd() == "") }
      #expect(scene.log.lines.count == 1 && scene.log.lines[0].contains("cannot be reached"), "\(scene.log.lines)")
      try engine.open()
      let client = try Wire.connect(port: scene.port)
      try client.send("x")
      #expect(try await engine.accept().read(1) == "x")
      #expect(scene.log.lines.count == 2 && scene.log.lines[1].contains("again"), "\(scene.log.lines)")
    }
  }

  @Test func `an engine that dies ends its clients, and a client that dies its connection to the engine`() async throws
  {
    try await with { scene, engine in
      let client = try Wire.connect(port: scene.port)
      let server = try await engine.accept()
      try server.send("last words")
      server.reset()
      #expect(try await client.readToEnd().count <= 10)
      let other = try Wire.connect(port: scene.port)
      let far = try await engine.accept()
      try other.send("last words")
      #expect(try await far.read(10) == "last words")
      other.reset()
      #expect(try await far.readToEnd() == "")
      try await eventually("nothing is left") { scene.forwarder.connectionCount == 0 }
    }
  }

  @Test func `a shutdown ends all connections, and no more are taken`() async throws {
    try await with { scene, engine in
      let client = try Wire.connect(port: scene.port)
      let server = try await engine.accept()
      await scene.forwarder.shutdown()
      #expect(try await client.readToEnd() == "")
      #expect(try await server.readToEnd() == "")
      #expect(throws: CommandFailed.self) { try Wire.connect(port: scene.port) }
    }
  }

  @Test func `an engine is found by TCP too`() async throws {
    let (listener, port) = try Wire.listenOnLoopback()
    defer { close(listener) }
    try await with(engineAt: "tcp://127.0.0.1:\(port)") { scene, _ in
      let client = try Wire.connect(port: scene.port)
      try client.send("x")
      var server: Wire?
      try await eventually("it connects") {
        server = Wire.accept(from: listener)
        return server != nil
      }
      #expect(try await server?.read(1) == "x")
    }
  }

  @Test(arguments: [
    ("unix:///run/docker.sock", "docker"), ("tcp://10.0.0.1", "10.0.0.1:2375"), ("http://h:1/", "h:1"),
    ("tcp://[::1]:4", "[::1]:4"),
  ])
  func `an engine's URL is read`(url: String, host: String) throws {
    #expect(try EngineAddress(url: url).host == host)
  }

  @Test(arguments: ["", "unix://relative", "tcp://", "ssh://host"])
  func `what is no URL of an engine is refused`(url: String) {
    #expect(throws: DockerEngineError.self) { try EngineAddress(url: url) }
  }
}

/// An engine's listening socket.
private final class Engine {
  let path: String
  private var listener: Int32 = -1

  init(at path: String) throws {
    self.path = path
    try open()
  }

  func open() throws { listener = try Wire.listen(at: path) }

  func close() {
    if listener >= 0 { Glibc.close(listener) }
    listener = -1
    unlink(path)
  }

  func accept() async throws -> Wire {
    var found: Wire?
    try await eventually("the forwarder connects to the engine", every: .milliseconds(5)) {
      found = Wire.accept(from: listener)
      return found != nil
    }
    return try #require(found)
  }
}

/// One end of a connection, which does not block.
final class Wire {
  private let descriptor: Int32
  private var isClosed = false

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  deinit { close() }

  static func accept(from listener: Int32) -> Wire? {
    let accepted = Glibc.accept(listener, nil, nil)
    return accepted >= 0 ? Wire(accepted) : nil
  }

  private static func make(_ family: Int32) throws -> Int32 {
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw CommandFailed(description: "cannot make a socket") }
    return descriptor
  }

  private static func withLoopback<Value>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value
  {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func withFile<Value>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  static func listenOnLoopback() throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = try make(AF_INET)
    var bound = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isGood = withLoopback(port: 0) { bind(descriptor, $0, $1) } == 0 && Glibc.listen(descriptor, 16) == 0
    let named = withUnsafeMutablePointer(to: &bound) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard isGood, named == 0 else { throw CommandFailed(description: "cannot listen on loopback") }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return (descriptor, UInt16(bigEndian: bound.sin_port))
  }

  static func listen(at path: String) throws -> Int32 {
    let descriptor = try make(AF_UNIX)
    guard withFile(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 16) == 0 else {
      throw CommandFailed(description: "cannot listen at \(path)")
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
  }

  static func connect(port: UInt16) throws -> Wire {
    let descriptor = try make(AF_INET)
    guard withLoopback(port: port, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      Glibc.close(descriptor)
      throw CommandFailed(description: "cannot connect to \(port)")
    }
    return Wire(descriptor)
  }

  static func connect(file: String) throws -> Wire {
    let descriptor = try make(AF_UNIX)
    guard withFile(file, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
      Glibc.close(descriptor)
      throw CommandFailed(description: "cannot connect to \(file)")
    }
    return Wire(descriptor)
  }

  func send(_ text: String) throws {
    let count = sendNow(Array(text.utf8))
    guard count == text.utf8.count else { throw CommandFailed(description: "sent \(count) of \(text)") }
  }

  /// - Returns: How many bytes were taken.
  func sendNow(_ bytes: [UInt8]) -> Int {
    max(0, Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)))
  }

  /// Nothing more is sent.
  func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

  func close() {
    if !isClosed { Glibc.close(descriptor) }
    isClosed = true
  }

  /// Closes it so that the other end is told of an error, where the kind of socket knows of that.
  func reset() {
    var option = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<Glibc.linger>.size))
    close()
  }

  private func pieces(_ limit: Int = .max, _ take: (ArraySlice<UInt8>) -> Void) async throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var total = 0
    var isOver = false
    try await eventually(
      "the end of a connection, or \(limit) bytes of it after \(total)",
      within: .seconds(20),
      every: .milliseconds(2)
    ) {
      while total < limit, !isOver {
        let count = recv(descriptor, &buffer, min(buffer.count, limit - total), 0)
        if count < 0, errno == EAGAIN { return false }
        // The other end was lost: what has come is all there is.
        if count <= 0 {
          isOver = true
        } else {
          take(buffer[..<count])
          total += count
        }
      }
      return true
    }
  }

  func read(_ count: Int) async throws -> String {
    var bytes: [UInt8] = []
    try await pieces(count) { bytes += $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  func readToEnd() async throws -> String { try await read(.max) }

  func countToEnd() async throws -> Int {
    var total = 0
    try await pieces { total += $0.count }
    return total
  }
}

/// What has been logged.
private final class CollectedLog: LogHandler {
  private let collected = Mutex<[String]>([])
  var lines: [String] { collected.withLock { $0 } }

  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    collected.withLock { $0.append("\(event.level) \(event.message)") }
  }
}
