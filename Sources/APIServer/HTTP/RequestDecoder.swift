// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// Cuts what a client sends into requests.
///
/// Strict where leniency lets two servers read different requests from the same bytes: no folded lines, no blanks
/// before a colon, no body with two lengths, chunk sizes in plain hexadecimal.
/// Source: RFC 9112; what is accepted beyond it (line feeds alone at the end of a head's lines) is what Go accepts.
struct RequestDecoder {
  /// A piece of a request, in the order head, body, end.
  enum Part {
    case head(RequestHead)
    case body(ByteBuffer)
    case end
  }

  /// Why bytes are no request; nothing after them can be understood.
  enum Failure: Error {
    case malformed
    case tooLargeHead
    case unsupportedVersion
    case unsupportedEncoding
  }

  private enum State {
    case head
    /// The bytes that are still to come.
    case body(Int)
    case chunkSize
    case chunk(Int)
    case chunkEnd
    case trailers
    case end
  }

  /// The longest line that tells the size of a chunk, extensions included.
  private static let chunkLineBytes = 4_096

  private let limits: HTTPLimits
  private var state = State.head
  private var input = ByteBuffer()
  /// How far the input was searched for the end of the head.
  private var searched = 0
  private var trailerBytes = 0

  init(limits: HTTPLimits) {
    self.limits = limits
  }

  /// Whether a request has begun and not ended.
  var isInsideRequest: Bool {
    if case .head = state { input.readableBytes > 0 } else { true }
  }

  /// Takes in what the client sent.
  mutating func append(_ bytes: ByteBuffer) {
    if input.readableBytes == 0 {
      input = bytes
    } else {
      if input.readerIndex > input.readableBytes { input.discardReadBytes() }
      input.writeImmutableBuffer(bytes)
    }
  }

  /// Forgets what was not decoded.
  mutating func clear() {
    input = ByteBuffer()
    searched = 0
  }

  /// The next piece; nil until more bytes have come.
  mutating func next() throws(Failure) -> Part? {
    while true {
      switch state {
      case .head:
        guard let head = try decodeHead() else { return nil }
        return .head(head)
      case .body(let rest):
        guard rest > 0 else {
          state = .end
          continue
        }
        guard let piece = take(atMost: rest) else { return nil }
        state = .body(rest - piece.readableBytes)
        return .body(piece)
      case .chunkSize:
        guard let size = try decodeChunkSize() else { return nil }
        state = size == 0 ? .trailers : .chunk(size)
      case .chunk(let rest):
        guard let piece = take(atMost: rest) else { return nil }
        state = rest == piece.readableBytes ? .chunkEnd : .chunk(rest - piece.readableBytes)
        return .body(piece)
      case .chunkEnd:
        guard input.readableBytes >= 2 else { return nil }
        guard input.readInteger(as: UInt16.self) == 0x0D0A else { throw .malformed }
        state = .chunkSize
      case .trailers: guard try skipTrailers() else { return nil }
      case .end:
        state = .head
        if input.readableBytes == 0 { input = ByteBuffer() }
        return .end
      }
    }
  }

  private mutating func take(atMost count: Int) -> ByteBuffer? {
    let length = min(count, input.readableBytes)
    return length == 0 ? nil : input.readSlice(length: length)
  }

  // MARK: Heads

  private mutating func decodeHead() throws(Failure) -> RequestHead? {
    skipLineBreaks()
    guard let length = lengthOfHead() else {
      guard input.readableBytes <= limits.headerBytes else { throw .tooLargeHead }
      searched = max(0, input.readableBytes - 2)
      return nil
    }
    searched = 0
    guard length <= limits.headerBytes, let bytes = input.readSlice(length: length) else { throw .tooLargeHead }
    let head = try RequestHead(bytes, limits: limits)
    switch head.framing {
    case .none: state = .end
    case .length(let count): state = .body(count)
    case .chunked: state = .chunkSize
    }
    return head
  }

  /// Line breaks before a request are left over from bodies of old clients (RFC 9112 section 2.2).
  private mutating func skipLineBreaks() {
    while searched == 0, let byte = input.getInteger(at: input.readerIndex, as: UInt8.self), byte == 13 || byte == 10 {
      input.moveReaderIndex(forwardBy: 1)
    }
  }

  /// The bytes up to and including the empty line; nil when it has not come.
  private func lengthOfHead() -> Int? {
    input.withUnsafeReadableBytes { bytes in
      var position = searched
      while let lineEnd = bytes[position...].firstIndex(of: 10) {
        position = lineEnd + 1
        if position < bytes.count, bytes[position] == 10 { return position + 1 }
        if position + 1 < bytes.count, bytes[position] == 13, bytes[position + 1] == 10 { return position + 2 }
      }
      return nil
    }
  }

  // MARK: Chunks

  private mutating func decodeChunkSize() throws(Failure) -> Int? {
    guard let line = try takeLine(limit: Self.chunkLineBytes) else { return nil }
    var size = 0
    var digits = 0
    for byte in line.readableBytesView {
      guard let digit = byte.hexadecimalValue else { break }
      digits += 1
      guard digits <= 15 else { throw .malformed }
      size = size << 4 | digit
    }
    // What may follow the size is an extension, which nobody here understands.
    let rest = line.readableBytesView.dropFirst(digits)
    guard digits > 0, rest.isEmpty || rest.first == UInt8(ascii: ";") else { throw .malformed }
    guard rest.allSatisfy({ $0 == 9 || $0 >= 32 && $0 != 127 }) else { throw .malformed }
    return size
  }

  /// Reads over the fields behind a body; whether the empty line has come.
  private mutating func skipTrailers() throws(Failure) -> Bool {
    while let line = try takeLine(limit: limits.headerBytes) {
      if line.readableBytes == 0 {
        trailerBytes = 0
        state = .end
        return true
      }
      trailerBytes += line.readableBytes
      guard trailerBytes <= limits.headerBytes else { throw .tooLargeHead }
      let isField = line.withUnsafeReadableBytes { bytes in
        bytes.firstIndex(of: UInt8(ascii: ":")).map {
          FieldBytes.isToken(bytes[..<$0]) && FieldBytes.isValue(bytes[$0...])
        }
      }
      guard isField == true else { throw .malformed }
    }
    return false
  }

  /// The next line without its end, which must be CR LF; nil until it has come.
  private mutating func takeLine(limit: Int) throws(Failure) -> ByteBuffer? {
    guard let end = input.readableBytesView.firstIndex(of: 10) else {
      guard input.readableBytes <= limit else { throw .malformed }
      return nil
    }
    let length = end - input.readerIndex
    guard length >= 1, length <= limit, input.getInteger(at: end - 1, as: UInt8.self) == 13 else { throw .malformed }
    let line = input.readSlice(length: length - 1)
    input.moveReaderIndex(forwardBy: 2)
    return line
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit.
  fileprivate var hexadecimalValue: Int? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(self) - 48
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): Int(self | 0x20) - 87
    default: nil
    }
  }
}
