// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestKit
import Testing

@testable import APIServer

/// One client's connection to the routes, without a socket.
final class TestConnection {
  let channel = NIOAsyncTestingChannel()
  private var received = ""

  init(_ route: any HTTPRoute, limits: HTTPLimits = HTTPLimits()) async throws {
    let channel = channel
    try await channel.testingEventLoop.executeInContext {
      try HTTPAPIServer.configure(channel, route: route, limits: limits, logger: Logger(label: "test"))
    }
    try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
  }

  convenience init(_ ports: APIPorts, surface: APISurface = .everything, limits: HTTPLimits = HTTPLimits()) async throws
  {
    try await self.init(APIRouter(ports: ports, surface: surface), limits: limits)
  }

  /// Sends bytes as they are.
  func send(_ text: String) async throws {
    try await channel.writeInbound(ByteBuffer(string: text))
  }

  /// Sends a request with a `Host`, and a length when there is a body.
  func send(_ method: String, _ target: String, headers: [(String, String)] = [], body: String = "") async throws {
    var text = "\(method) \(target) HTTP/1.1\r\nHost: node:2379\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if !body.isEmpty { text += "Content-Length: \(body.utf8.count)\r\n" }
    try await send(text + "\r\n" + body)
  }

  /// Sends a request and reads its answer.
  func ask(
    _ method: String,
    _ target: String,
    headers: [(String, String)] = [],
    body: String = ""
  ) async throws -> TestResponse {
    try await send(method, target, headers: headers, body: body)
    return try await response(isHead: method == "HEAD")
  }

  /// Sends a form, as curl's `-d` does.
  func form(_ method: String, _ target: String, _ body: String) async throws -> TestResponse {
    try await ask(method, target, headers: [("Content-Type", "application/x-www-form-urlencoded")], body: body)
  }

  /// Reads the next whole answer.
  func response(isHead: Bool = false) async throws -> TestResponse {
    var response = TestResponse(head: try await text(through: "\r\n\r\n"))
    if isHead || response.status == 204 { return response }
    if let length = response["content-length"].flatMap({ Int($0) }) {
      response.body = try await text(bytes: length)
    } else if response["transfer-encoding"] == "chunked" {
      while let chunk = try await chunk() { response.body += chunk }
    }
    return response
  }

  /// Reads the head of an answer alone.
  func head() async throws -> TestResponse {
    TestResponse(head: try await text(through: "\r\n\r\n"))
  }

  /// Reads the next chunk of a body; nil when it was the last.
  func chunk() async throws -> String? {
    // The line's end is one character.
    let size = try #require(Int(try await text(through: "\r\n").dropLast(), radix: 16))
    let data = try await text(bytes: size)
    #expect(try await text(bytes: 2) == "\r\n")
    return size == 0 ? nil : data
  }

  /// What has come and was not read yet.
  func unread() async throws -> String {
    while let buffer = try await channel.readOutbound(as: ByteBuffer.self) { received += String(buffer: buffer) }
    return received
  }

  /// Waits until the server has closed the connection.
  func closed() async throws {
    try await eventually("the connection is closed", every: .milliseconds(2)) { !channel.isActive }
  }

  private func text(through end: String) async throws -> String {
    while true {
      if let range = received.utf8.firstRange(of: end.utf8) { return take(upTo: range.upperBound) }
      try await receive()
    }
  }

  private func text(bytes: Int) async throws -> String {
    while received.utf8.count < bytes { try await receive() }
    return take(upTo: received.utf8.index(received.startIndex, offsetBy: bytes))
  }

  private func take(upTo end: String.Index) -> String {
    defer { received = String(Substring(received.utf8[end...])) }
    return String(Substring(received.utf8[..<end]))
  }

  private func receive() async throws {
    let channel = channel
    let buffer = try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
      group.addTask { try await channel.waitForOutboundWrite(as: ByteBuffer.self) }
      group.addTask {
        try await Task.sleep(for: .seconds(10))
        try? await channel.close()
        throw DeadlineForAnswer()
      }
      defer { group.cancelAll() }
      return try #require(try await group.next())
    }
    received += String(buffer: buffer)
  }
}

struct DeadlineForAnswer: Error {}

/// An answer taken apart; header names are in lower case.
struct TestResponse {
  var statusLine: String
  var fields: [(name: String, value: String)]
  var body = ""

  init(head: String) {
    // A line feed after a carriage return is one character to Swift.
    let lines = head.split(separator: "\r\n").map(String.init)
    statusLine = lines.first ?? ""
    fields = lines.dropFirst().map { line in
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      let value = line[colon...].dropFirst().drop { $0 == " " }
      return (line[..<colon].lowercased(), String(value))
    }
  }

  var status: Int { Int(statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }

  subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}
