// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOHTTP1

/// The request that is being answered and how far its answer is.
struct CurrentExchange {
  enum Phase: Equatable {
    /// Nothing was sent yet.
    case waiting
    /// The head was sent; the body follows.
    case streaming(BodyFraming)
  }

  let id: UInt64
  let isHead: Bool
  let version: HTTPVersion
  var isKeepAlive: Bool
  var phase = Phase.waiting
  /// Whether the stream may be silent for ever, so that a client that closed its side counts as gone.
  var isOpenEnded = false
  /// Bytes of the stream that the client has not taken yet.
  var backlogBytes = 0
  var whenOver: [@Sendable () -> Void] = []

  init(id: UInt64, request: HTTPRequest) {
    self.id = id
    isHead = request.method == .HEAD
    version = request.version
    isKeepAlive = request.isKeepAlive
  }

  /// The exchange of something that is no request.
  init(id: UInt64) {
    self.id = id
    isHead = false
    version = .http1_1
    isKeepAlive = false
  }
}
