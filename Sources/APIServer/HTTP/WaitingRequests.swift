// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// The pipelined requests of a connection whose turn has not come, in their order.
struct WaitingRequests {
  enum Element {
    case request(HTTPRequest)
    /// The answer to something that is no request.
    case refusal(HTTPResponse)

    fileprivate var bodyBytes: Int {
      switch self {
      case .request(let request): request.body.readableBytes
      case .refusal: 0
      }
    }
  }

  private var elements = CircularBuffer<Element>()
  private var bodyBytes = 0

  var isEmpty: Bool { elements.isEmpty }
  var count: Int { elements.count }

  /// Whether no more should be read for now.
  func isFull(_ limits: HTTPLimits) -> Bool {
    elements.count >= limits.waitingRequests || bodyBytes >= limits.waitingBytes
  }

  mutating func append(_ element: Element) {
    elements.append(element)
    bodyBytes += element.bodyBytes
  }

  mutating func popFirst() -> Element? {
    guard let element = elements.popFirst() else { return nil }
    bodyBytes -= element.bodyBytes
    return element
  }

  mutating func removeAll() {
    elements.removeAll()
    bodyBytes = 0
  }
}
