// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// A blocking HTTP/1.1 connection to a member's control socket, which no partition of the network cuts.
///
/// Concurrency: lives on one thread, which it blocks.
final class StoreConnection {
  /// Why no answer came.
  enum Failure: Error {
    /// Nothing was sent: it is certain that the member has not acted.
    case notSent
    /// It was sent; the member may have acted.
    case noAnswer
  }

  /// The head of an answer.
  struct Head {
    var status: Int
    var fields: [String: String]
  }

  private static let answerLimit = 64 << 20
  private let socketPath: String
  private var descriptor: CInt = -1
  private var received: [UInt8] = []

  init(socketPath: String) {
    self.socketPath = socketPath
  }

  deinit { disconnect() }

  func disconnect() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    received = []
  }

  /// Sends a request and reads its whole answer; the connection is kept unless something went wrong.
  func exchange(
    _ method: String,
    _ target: String,
    form: String? = nil,
    json: String? = nil,
    within milliseconds: Int
  ) throws(Failure) -> (head: Head, body: [UInt8]) {
    let deadline = Self.now() + Int64(milliseconds) * 1_000_000
    try send(method, target, form: form, json: json, until: deadline)
    do {
      let head = try readHead(until: deadline)
      let body = try readBody(head, until: deadline)
      if head.fields["connection"] == "close" { disconnect() }
      return (head, body)
    } catch {
      disconnect()
      throw error
    }
  }

  /// Sends a request whose answer is read piece by piece with ``readHead(until:)`` and ``readChunk(until:)``.
  func send(
    _ method: String,
    _ target: String,
    form: String? = nil,
    json: String? = nil,
    until deadline: Int64
  ) throws(Failure) {
    if descriptor < 0 { try connect() }
    var request = "\(method) \(target) HTTP/1.1\r\nHost: member\r\n"
    let body = form ?? json
    if form != nil { request += "Content-Type: application/x-www-form-urlencoded\r\n" }
    if json != nil { request += "Content-Type: application/json\r\n" }
    if let body { request += "Content-Length: \(body.utf8.count)\r\n" }
    request += "\r\n" + (body ?? "")
    let bytes = Array(request.utf8)
    var sent = 0
    while sent < bytes.count {
      guard wait(for: POLLOUT, until: deadline) else { break }
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { break }
      sent += count
    }
    guard sent == bytes.count else {
      disconnect()
      throw sent == 0 ? .notSent : .noAnswer
    }
  }

  private func connect() throws(Failure) {
    let opened = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard opened >= 0 else { throw .notSent }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array(socketPath.utf8) + [0]
    guard path.count <= MemoryLayout.size(ofValue: address.sun_path) else {
      close(opened)
      throw .notSent
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(opened, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      close(opened)
      throw .notSent
    }
    descriptor = opened
    received = []
  }

  // MARK: Reading

  func readHead(until deadline: Int64) throws(Failure) -> Head {
    let end = Array("\r\n\r\n".utf8)
    while true {
      if let found = received.firstRange(of: end) {
        let text = String(decoding: received[..<found.lowerBound], as: UTF8.self)
        received.removeSubrange(..<found.upperBound)
        return try Self.head(text)
      }
      try readMore(until: deadline)
    }
  }

  private static func head(_ text: String) throws(Failure) -> Head {
    let lines = text.split(separator: "\r\n")
    guard let first = lines.first?.split(separator: " "), first.count >= 2, let status = Int(first[1]) else {
      throw .noAnswer
    }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return Head(status: status, fields: fields)
  }

  private func readBody(_ head: Head, until deadline: Int64) throws(Failure) -> [UInt8] {
    if head.fields["transfer-encoding"] == "chunked" {
      var body: [UInt8] = []
      while let chunk = try readChunk(until: deadline) { body += chunk }
      return body
    }
    let length = head.fields["content-length"].flatMap { Int($0) } ?? 0
    guard length <= Self.answerLimit else { throw .noAnswer }
    while received.count < length { try readMore(until: deadline) }
    let body = Array(received[..<length])
    received.removeSubrange(..<length)
    return body
  }

  /// The next chunk of a chunked body; nil at its end.
  func readChunk(until deadline: Int64) throws(Failure) -> [UInt8]? {
    let newline = Array("\r\n".utf8)
    while true {
      if let line = received.firstRange(of: newline) {
        let text = String(decoding: received[..<line.lowerBound], as: UTF8.self)
        guard let length = Int(text, radix: 16), length <= Self.answerLimit else { throw .noAnswer }
        let end = line.upperBound + length + newline.count
        if received.count >= end {
          let chunk = Array(received[line.upperBound..<line.upperBound + length])
          received.removeSubrange(..<end)
          return length == 0 ? nil : chunk
        }
      }
      try readMore(until: deadline)
    }
  }

  private func readMore(until deadline: Int64) throws(Failure) {
    guard wait(for: POLLIN, until: deadline) else { throw .noAnswer }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0, received.count + count <= Self.answerLimit else { throw .noAnswer }
    received += buffer[..<count]
  }

  private func wait(for events: Int32, until deadline: Int64) -> Bool {
    var waited = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    while true {
      let left = (deadline - Self.now()) / 1_000_000
      guard left > 0 else { return false }
      let ready = poll(&waited, 1, CInt(min(left, 1_000)))
      if ready > 0 { return true }
      if ready < 0, errno != EINTR { return false }
    }
  }

  /// Holds the client's own thread up, which paces its load.
  static func pause(milliseconds: CInt) {
    poll(nil, 0, milliseconds)
  }

  /// Nanoseconds of the monotonic clock, by which histories are recorded.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
