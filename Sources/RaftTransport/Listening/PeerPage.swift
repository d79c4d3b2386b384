// SPDX-License-Identifier: Apache-2.0

/// What the peer port answers to a plain `GET`, such as `/members` and `/version`.
public struct PeerPage: Sendable, Equatable {
  /// The `Content-Type`.
  public var contentType: String
  /// The body.
  public var body: [UInt8]

  /// Makes a page.
  public init(contentType: String, body: [UInt8]) {
    self.contentType = contentType
    self.body = body
  }
}
