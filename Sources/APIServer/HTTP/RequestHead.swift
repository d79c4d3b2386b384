// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1

/// The first part of a request: what it asks, and how its body is told.
struct RequestHead {
  /// How long the body is.
  enum Framing: Equatable {
    case none
    case length(Int)
    case chunked
  }

  let method: HTTPMethod
  /// Nil when the path holds a malformed escape.
  let target: RequestTarget?
  let version: HTTPVersion
  let headers: RequestHeaders
  private(set) var framing = Framing.none
  private(set) var isKeepAlive: Bool
  private(set) var expectsContinue = false
  /// How many `Host` fields there are.
  private(set) var hostCount = 0

  /// Reads a head, which ends with its empty line.
  init(_ bytes: ByteBuffer, limits: HTTPLimits) throws(RequestDecoder.Failure) {
    var bytes = bytes
    let parsed = bytes.withUnsafeReadableBytes { raw -> Result<ParsedHead, RequestDecoder.Failure> in
      do throws(RequestDecoder.Failure) {
        return .success(try ParsedHead(raw, limits: limits))
      } catch {
        return .failure(error)
      }
    }
    let head = try parsed.get()
    bytes.moveReaderIndex(forwardBy: head.fieldsOffset)
    method = head.method
    target = head.target
    version = head.version
    headers = RequestHeaders(checked: bytes)
    framing = try head.fields.framing(in: version)
    hostCount = head.fields.hostCount
    expectsContinue = head.fields.expectsContinue && version.minor >= 1
    isKeepAlive = version.minor >= 1 ? !head.fields.saysClose : head.fields.saysKeepAlive && !head.fields.saysClose
  }
}

/// A head taken apart where its bytes lie.
private struct ParsedHead {
  let method: HTTPMethod
  let target: RequestTarget?
  let version: HTTPVersion
  let fieldsOffset: Int
  private(set) var fields = FramingFields()

  init(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits) throws(RequestDecoder.Failure) {
    guard let lineEnd = bytes.firstIndex(of: 10) else { throw .malformed }
    let line = bytes[..<lineEnd].withoutCarriageReturn
    guard let first = line.firstIndex(of: 32), let last = line.lastIndex(of: 32), first < last else {
      throw .malformed
    }
    method = try Self.method(line[..<first])
    let target = line[(first + 1)..<last]
    guard FieldBytes.isTarget(target) else { throw .malformed }
    self.target = RequestTarget(bytes: UnsafeRawBufferPointer(rebasing: target))
    version = try Self.version(line[(last + 1)...])
    fieldsOffset = lineEnd + 1
    try readFields(bytes, limit: limits.headerFields)
  }

  private mutating func readFields(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(RequestDecoder.Failure) {
    var position = fieldsOffset
    var count = 0
    while position < bytes.count, let end = bytes[position...].firstIndex(of: 10) {
      let line = bytes[position..<end].withoutCarriageReturn
      position = end + 1
      if line.isEmpty { return }
      count += 1
      guard count <= limit else { throw .tooLargeHead }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformed }
      let (name, value) = (line[..<colon], line[(colon + 1)...])
      guard FieldBytes.isToken(name), FieldBytes.isValue(value) else { throw .malformed }
      try fields.note(name, value.trimmedOfBlanks)
    }
  }

  private static func method(_ bytes: Slice<UnsafeRawBufferPointer>) throws(RequestDecoder.Failure) -> HTTPMethod {
    guard FieldBytes.isToken(bytes) else { throw .malformed }
    if bytes.elementsEqual("GET".utf8) { return .GET }
    if bytes.elementsEqual("PUT".utf8) { return .PUT }
    return HTTPMethod(rawValue: String(decoding: bytes, as: UTF8.self))
  }

  private static func version(_ bytes: Slice<UnsafeRawBufferPointer>) throws(RequestDecoder.Failure) -> HTTPVersion {
    if bytes.elementsEqual("HTTP/1.1".utf8) { return .http1_1 }
    if bytes.elementsEqual("HTTP/1.0".utf8) { return .http1_0 }
    let digits = bytes.dropFirst(5)
    let isVersion =
      bytes.starts(with: "HTTP/".utf8) && digits.count == 3 && digits.dropFirst().first == UInt8(ascii: ".")
      && [digits.first, digits.last].allSatisfy { $0.map { (48...57).contains($0) } ?? false }
    throw isVersion ? .unsupportedVersion : .malformed
  }
}

/// What the fields of a head say about its body and its connection.
private struct FramingFields {
  private var length: Int?
  private var isChunked = false
  private(set) var hostCount = 0
  private(set) var expectsContinue = false
  private(set) var saysClose = false
  private(set) var saysKeepAlive = false

  mutating func note(
    _ name: Slice<UnsafeRawBufferPointer>,
    _ value: Slice<UnsafeRawBufferPointer>
  ) throws(RequestDecoder.Failure) {
    switch name.count {
    case 4 where name.isText("host"): hostCount += 1
    case 6 where name.isText("expect"): expectsContinue = expectsContinue || value.isText("100-continue")
    case 10 where name.isText("connection"): noteConnection(value)
    case 14 where name.isText("content-length"):
      guard length == nil, let count = Self.number(value) else { throw .malformed }
      length = count
    case 17 where name.isText("transfer-encoding"):
      guard !isChunked, value.isText("chunked") else { throw .unsupportedEncoding }
      isChunked = true
    default: break
    }
  }

  func framing(in version: HTTPVersion) throws(RequestDecoder.Failure) -> RequestHead.Framing {
    if isChunked {
      // Two ways to tell the length are an attempt to have somebody on the way read another one.
      guard length == nil, version.minor >= 1 else { throw .malformed }
      return .chunked
    }
    return length.map { .length($0) } ?? .none
  }

  private mutating func noteConnection(_ value: Slice<UnsafeRawBufferPointer>) {
    for option in value.split(separator: UInt8(ascii: ",")) {
      let option = option.trimmedOfBlanks
      if option.isText("close") { saysClose = true }
      if option.isText("keep-alive") { saysKeepAlive = true }
    }
  }

  private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
    var number = 0
    for byte in bytes {
      guard byte >= 48, byte <= 57 else { return nil }
      number = number * 10 + Int(byte - 48)
    }
    return number
  }
}

/// Which bytes may stand where in a head (RFC 9110 section 5).
enum FieldBytes {
  private static let token: UInt8 = 1
  private static let value: UInt8 = 2
  private static let target: UInt8 = 4

  private static let classes: [UInt8] = (0..<256).map { number in
    let byte = UInt8(number)
    let isLetterOrDigit = (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    var classes: UInt8 = 0
    if isLetterOrDigit || "!#$%&'*+-.^_`|~".utf8.contains(byte) { classes |= token }
    if byte == 9 || byte >= 32 && byte != 127 { classes |= value }
    if byte > 32 && byte != 127 { classes |= target }
    return classes
  }

  /// Whether bytes are a name or a method.
  static func isToken(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool { !bytes.isEmpty && areAll(bytes, token) }

  /// Whether bytes may be a field's value.
  static func isValue(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool { areAll(bytes, value) }

  /// Whether bytes may be asked for: a path, a whole URL, or `*`.
  static func isTarget(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    guard let first = bytes.first, areAll(bytes, target) else { return false }
    return first == UInt8(ascii: "/") || bytes.count == 1 && first == UInt8(ascii: "*")
      || bytes.prefix(7).isText("http://") || bytes.prefix(8).isText("https://")
  }

  private static func areAll(_ bytes: Slice<UnsafeRawBufferPointer>, _ wanted: UInt8) -> Bool {
    classes.withUnsafeBufferPointer { table in
      for byte in bytes where table[Int(byte)] & wanted == 0 { return false }
      return true
    }
  }
}

extension Slice<UnsafeRawBufferPointer> {
  fileprivate var withoutCarriageReturn: Self { last == 13 ? dropLast() : self }

  /// Whether the bytes are a text given in lower case, whatever their own case.
  fileprivate func isText(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { expected in
      count == expected.count && zip(self, expected).allSatisfy { $0.asciiLowercased == $1 }
    }
  }
}
