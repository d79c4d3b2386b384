// SPDX-License-Identifier: Apache-2.0

/// Something that answers requests.
public protocol HTTPRoute: Sendable {
  /// Answers a request through its exchange, now or later.
  ///
  /// Concurrency: called on the event loop of the connection, which it must not block.
  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange)
}
