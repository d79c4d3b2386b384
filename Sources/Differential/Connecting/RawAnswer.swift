// SPDX-License-Identifier: Apache-2.0

/// An HTTP answer as it came; an empty one stands for a connection that was closed without an answer.
public struct RawAnswer: Sendable, Equatable {
  /// The status; 0 when the connection was closed or silent instead.
  public var status = 0
  /// The header fields, names in lower case, in their order.
  public var headers: [(name: String, value: String)] = []
  /// The body, put together.
  public var body: [UInt8] = []
  /// How many interim answers (100) came before it.
  public var interimCount = 0
  /// Whether the body is whole.
  public var isWhole = true

  /// Makes the answer that is none.
  public init() {}

  /// The first value of a header field.
  public subscript(name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }

  /// Compares everything.
  public static func == (left: RawAnswer, right: RawAnswer) -> Bool {
    left.status == right.status && left.body == right.body && left.isWhole == right.isWhole
      && left.interimCount == right.interimCount
      && left.headers.elementsEqual(right.headers) { $0.name == $1.name && $0.value == $1.value }
  }
}

/// A piece of a body that comes in chunks.
public enum RawChunk: Sendable, Equatable {
  /// A chunk.
  case data([UInt8])
  /// The body's end.
  case end
  /// The connection was closed within the body.
  case broken
  /// Nothing came in time.
  case silence
}

extension RawConnection {
  /// Reads the head of the next answer; nil when none came in time or the connection was closed.
  public func head(within limit: Duration) -> RawAnswer? {
    let deadline = ContinuousClock.now + limit
    var answer = RawAnswer()
    while true {
      guard let status = line(by: deadline) else { return nil }
      let words = status.split(separator: " ")
      guard words.count > 1, words[0].hasPrefix("HTTP/"), let code = Int(words[1]) else { return nil }
      answer.status = code
      answer.headers = []
      while let field = line(by: deadline), !field.isEmpty {
        let sides = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = sides.count > 1 ? sides[1].drop { $0 == " " } : ""
        answer.headers.append((sides[0].lowercased(), String(value)))
      }
      guard (100..<200).contains(code) else { return answer }
      answer.interimCount += 1
    }
  }

  /// Reads the next whole answer; an empty one when none came.
  ///
  /// - Parameters:
  ///   - isHead: Whether it answers HEAD, so that it has no body.
  ///   - limit: How long to wait for all of it.
  /// - Returns: The answer, possibly cut off.
  public func answer(isHead: Bool, within limit: Duration = .seconds(20)) -> RawAnswer {
    let deadline = ContinuousClock.now + limit
    guard let head = head(within: limit) else { return RawAnswer() }
    return isHead ? head : whole(head, by: deadline)
  }

  /// Reads the body behind a head.
  func whole(_ head: RawAnswer, by deadline: ContinuousClock.Instant) -> RawAnswer {
    var answer = head
    guard answer.status != 204, answer.status != 304 else { return answer }
    if answer["transfer-encoding"] == "chunked" {
      while true {
        switch chunk(within: deadline - .now) {
        case .data(let data): answer.body += data
        case .end: return answer
        case .broken, .silence:
          answer.isWhole = false
          return answer
        }
      }
    } else if let length = answer["content-length"].flatMap({ Int($0) }) {
      guard let body = bytes(length, by: deadline) else {
        answer.isWhole = false
        return answer
      }
      answer.body = body
    } else {
      answer.body = rest(by: deadline)
      answer.isWhole = isClosed
    }
    return answer
  }

  /// Reads the next chunk of a body.
  public func chunk(within limit: Duration) -> RawChunk {
    let deadline = ContinuousClock.now + limit
    guard let size = line(by: deadline) else { return isClosed ? .broken : .silence }
    // A chunk that has begun comes whole, or not at all.
    let patience = ContinuousClock.now + .seconds(5)
    guard let count = Int(size, radix: 16), let data = bytes(count, by: patience), line(by: patience) != nil else {
      return .broken
    }
    return count == 0 ? .end : .data(data)
  }
}
