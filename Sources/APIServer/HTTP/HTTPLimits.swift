// SPDX-License-Identifier: Apache-2.0

/// How much one client may make the server hold.
///
/// Units: bytes and counts of one connection, except `maximumConnections`, which is the server's.
public struct HTTPLimits: Sendable, Equatable {
  /// Largest request body; a longer one is refused by the route (etcd: 10 MiB of form).
  public var bodyBytes = 10 * 1024 * 1024
  /// All header fields of a request together, and any one of them; more is answered with 431.
  public var headerBytes = 1024 * 1024
  /// Header fields in a request; more is answered with 431.
  public var headerFields = 1000
  /// Pipelined requests that wait for their turn; reading pauses there.
  public var waitingRequests = 64
  /// Body bytes of waiting requests; reading pauses there.
  public var waitingBytes = 256 * 1024
  /// Unsent bytes of a stream above which its reader counts as stuck and the connection is closed.
  public var streamBacklogBytes = 1024 * 1024
  /// Open connections of the whole server; further ones get 503 and are closed, many more are closed at once.
  public var maximumConnections = 16_384

  /// Makes the limits that a node serves with.
  public init() {}
}
