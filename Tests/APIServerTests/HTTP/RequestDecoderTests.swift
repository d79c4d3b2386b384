// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestKit
import Testing

@testable import APIServer

/// The request decoder beside that of swift-nio, and where it is stricter on purpose.
@Suite struct RequestDecoderTests {
  /// A request as both decoders see it.
  private struct Seen: Equatable {
    var method: String
    var path: String?
    var query: String?
    var minorVersion: Int
    var fields: [String]
    var isKeepAlive: Bool
    var body: [UInt8] = []
    var isWhole = false
  }

  /// What became of some bytes.
  private struct Reading: Equatable {
    var requests: [Seen] = []
    var isRefused = false

    /// The requests through the first that ends the connection: swift-nio's parser refuses what follows one.
    var throughClose: Reading {
      guard let last = requests.firstIndex(where: { !$0.isKeepAlive }) else { return self }
      var reading = self
      reading.requests = Array(requests[...last])
      reading.isRefused = isRefused && !requests[last].isWhole
      return reading
    }
  }

  /// A value without the blanks behind it, of which swift-nio keeps tabs.
  private static func trimmed(_ value: String) -> String {
    var value = value[...]
    while value.last == " " || value.last == "\t" { value.removeLast() }
    return String(value)
  }

  /// Cuts bytes into pieces of random size.
  private static func pieces(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [ByteBuffer] {
    var pieces: [ByteBuffer] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let largest = [1, 3, 40, 4_000].randomElement(using: &random) ?? 1
      let size = Int.random(in: 1...largest, using: &random)
      pieces.append(ByteBuffer(bytes: rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    return pieces
  }

  private static func own(_ pieces: [ByteBuffer]) -> Reading {
    var decoder = RequestDecoder(limits: HTTPLimits())
    var reading = Reading()
    for piece in pieces {
      decoder.append(piece)
      do throws(RequestDecoder.Failure) {
        while let part = try decoder.next() {
          switch part {
          case .head(let head):
            reading.requests.append(
              Seen(
                method: head.method.rawValue,
                path: head.target?.path,
                query: head.target?.query,
                minorVersion: head.version.minor,
                fields: head.headers.fields.map { "\($0.name): \($0.value)" },
                isKeepAlive: head.isKeepAlive
              )
            )
          case .body(let part): reading.requests[reading.requests.count - 1].body += Array(part.readableBytesView)
          case .end: reading.requests[reading.requests.count - 1].isWhole = true
          }
        }
      } catch {
        reading.isRefused = true
        return reading
      }
    }
    return reading
  }

  /// What closes a connection of any version (RFC 9112, section 9.3); swift-nio lets HTTP/1.0's `keep-alive` win.
  private static func saysClose(_ headers: HTTPHeaders) -> Bool {
    headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
  }

  private static func oracle(_ pieces: [ByteBuffer]) throws -> Reading {
    let channel = EmbeddedChannel()
    try channel.pipeline.syncOperations.addHandler(
      ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
    )
    var reading = Reading()
    for piece in pieces {
      do { try channel.writeInbound(piece) } catch { reading.isRefused = true }
      while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
        switch part {
        case .head(let head):
          let target = RequestTarget(head.uri)
          reading.requests.append(
            Seen(
              method: head.method.rawValue,
              path: target?.path,
              query: target?.query,
              minorVersion: head.version.minor,
              fields: head.headers.map { "\($0.name): \(Self.trimmed($0.value))" },
              isKeepAlive: head.isKeepAlive && !Self.saysClose(head.headers)
            )
          )
        case .body(let part): reading.requests[reading.requests.count - 1].body += Array(part.readableBytesView)
        case .end: reading.requests[reading.requests.count - 1].isWhole = true
        }
      }
      if reading.isRefused { break }
    }
    _ = try? channel.finish(acceptAlreadyClosed: true)
    return reading
  }

  // MARK: Making requests

  private static func request(_ random: inout SeededGenerator) -> String {
    let method = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"].randomElement(using: &random) ?? "GET"
    let target = ["/", "/v2/keys/a?b=c", "/v2/keys/%41%zz", "http://h:1/x?y", "*", "/a//b/../c?wait=true&recursive"]
    var text =
      "\(method) \(target.randomElement(using: &random) ?? "/") HTTP/1.\(Int.random(in: 0...1, using: &random))\r\n"
    let names = ["Host", "X-Long-\(random.next())", "Accept", "Content-Type", "connection", "CONNECTION", "Expect"]
    let values = ["", "a", "  padded \t", "close", "keep-alive", "x, Close", "100-continue", "\u{E9}t\u{E9}", "a:b"]
    for _ in 0..<Int.random(in: 0...6, using: &random) {
      text += "\(names.randomElement(using: &random) ?? ""):\(values.randomElement(using: &random) ?? "")\r\n"
    }
    switch Int.random(in: 0...3, using: &random) {
    case 0:
      let body = String(repeating: "b", count: Int.random(in: 0...300, using: &random))
      return text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    case 1:
      text = text.replacing("HTTP/1.0", with: "HTTP/1.1") + "Transfer-Encoding: chunked\r\n\r\n"
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let size = Int.random(in: 1...40, using: &random)
        let digits = String(size, radix: 16, uppercase: Bool.random(using: &random))
        text += "\(digits)\r\n" + String(repeating: "c", count: size) + "\r\n"
      }
      return text + "0\r\n" + (Bool.random(using: &random) ? "Trailer: x\r\n" : "") + "\r\n"
    default: return text + "\r\n"
    }
  }

  private static func damaged(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    let replacements = Array("\r\n\t :;,/%?GET0129aXz\0\u{7F}HTTP/1.1chunked".utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      guard let place = bytes.indices.randomElement(using: &random) else { break }
      let byte = replacements.randomElement(using: &random) ?? 0
      switch Int.random(in: 0...3, using: &random) {
      case 0: bytes[place] = byte
      case 1: bytes.insert(byte, at: place)
      case 2: bytes.remove(at: place)
      default: bytes.removeLast(min(bytes.count, Int.random(in: 0...20, using: &random)))
      }
    }
    return bytes
  }

  // MARK: Tests

  @Test(arguments: 0..<20)
  func `whole requests are read as swift-nio reads them, however they are cut`(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<40 {
      let count = Int.random(in: 1...5, using: &random)
      let text = (0..<count).map { _ in Self.request(&random) }.joined()
      let bytes = Array(text.utf8)
      let own = Self.own(Self.pieces(bytes, &random))
      #expect(own == Self.own([ByteBuffer(bytes: bytes)]), "cut differently: \(text)")
      #expect(try own.throughClose == Self.oracle(Self.pieces(bytes, &random)).throughClose, "\(text)")
      #expect(own.requests.count == count && !own.isRefused, "\(text)")
    }
  }

  @Test(arguments: 0..<20)
  func `damaged requests are read the same or refused`(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(1_000 + seed))
    for _ in 0..<100 {
      let bytes = Self.damaged(Array((Self.request(&random) + Self.request(&random)).utf8), &random)
      let whole = Self.own(Self.pieces(bytes, &random))
      #expect(whole == Self.own([ByteBuffer(bytes: bytes)]), "cut differently: \(Self.shown(bytes))")
      let own = whole.throughClose
      let oracle = try Self.oracle(Self.pieces(bytes, &random)).throughClose
      // A request that both read is the same one; each may refuse what the other takes, but what goes on is equal.
      for (mine, theirs) in zip(own.requests, oracle.requests) where mine.isWhole && theirs.isWhole {
        #expect(mine == theirs, "\(Self.shown(bytes))")
      }
      let isLenient = own.requests.count(where: \.isWhole) > oracle.requests.count(where: \.isWhole)
      #expect(!isLenient || Self.mayBeTaken(bytes), "taken although swift-nio refuses it: \(Self.shown(bytes))")
    }
  }

  /// What is taken beyond swift-nio: unknown methods, line feeds alone, bytes above ASCII in a target.
  private static func mayBeTaken(_ bytes: [UInt8]) -> Bool {
    var previous: UInt8 = 0
    for byte in bytes {
      if byte == 10, previous != 13 { return true }
      previous = byte
    }
    return bytes.split(separator: 10).contains { line in
      guard let method = line.split(separator: 32).first, line.suffix(9).starts(with: "HTTP/1.".utf8) else {
        return false
      }
      let known = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]
      return !known.contains(String(decoding: method, as: UTF8.self)) || line.contains { $0 >= 0x80 }
    }
  }

  private static func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }

  @Test(
    arguments: [
      "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
      "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
      "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "GET / HTTP/1.1\r\n: x\r\n\r\n",
      "PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
      "PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\na", "PUT / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\na",
      "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    ]
  )
  func `what two servers could read differently is refused`(text: String) {
    let reading = Self.own([ByteBuffer(string: text)])
    #expect(reading.isRefused && !reading.requests.contains(where: \.isWhole))
  }

  private static func failure(of decoder: inout RequestDecoder) -> RequestDecoder.Failure? {
    do throws(RequestDecoder.Failure) {
      _ = try decoder.next()
      return nil
    } catch {
      return error
    }
  }

  @Test func `a version that is not spoken and an encoding that is not known are told apart`() {
    var old = RequestDecoder(limits: HTTPLimits())
    old.append(ByteBuffer(string: "GET / HTTP/2.0\r\n\r\n"))
    #expect(Self.failure(of: &old) == .unsupportedVersion)
    var encoded = RequestDecoder(limits: HTTPLimits())
    encoded.append(ByteBuffer(string: "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"))
    #expect(Self.failure(of: &encoded) == .unsupportedEncoding)
  }

  @Test func `a head above the limits is refused before its end has come`() {
    var limits = HTTPLimits()
    limits.headerBytes = 100
    limits.headerFields = 3
    var long = RequestDecoder(limits: limits)
    long.append(ByteBuffer(string: "GET /" + String(repeating: "x", count: 100)))
    #expect(Self.failure(of: &long) == .tooLargeHead)
    var many = RequestDecoder(limits: limits)
    many.append(ByteBuffer(string: "GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n"))
    #expect(Self.failure(of: &many) == .tooLargeHead)
  }

  @Test func `fields are found whatever their case, and all of a name`() {
    let headers: RequestHeaders = ["Accept": "a", "X-B": " b ", "accept": "c"]
    #expect(headers.first(name: "ACCEPT") == "a")
    #expect(headers["accept"] == ["a", "c"])
    #expect(headers.first(name: "x-b") == "b")
    #expect(!headers.contains(name: "x") && headers.contains(name: "x-b"))
    #expect(headers.first(name: "accept", is: "a") && !headers.first(name: "accept", is: "c"))
  }
}
