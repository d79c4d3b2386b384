// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// A request to a discovery service, relative to the token's directory.
public enum DiscoveryRequest: Sendable, Equatable {
  /// Reads `_config/size`.
  case readSize
  /// Reads the token's directory: one child for each registered member.
  case readMembers
  /// Creates the child of a member; must fail with 105 when it is there.
  case register(id: String, value: String)
  /// Waits for any change below the token's directory from `index` on: a recursive long poll.
  case awaitChange(index: EtcdIndex)

  /// The path below the token's directory, without leading slash; empty for the directory itself.
  public var relativePath: String {
    switch self {
    case .readSize: "_config/size"
    case .readMembers, .awaitChange: ""
    case .register(let id, _): id
    }
  }
}

/// What a discovery service said.
public enum DiscoveryAnswer: Sendable, Equatable {
  /// A success, with the `X-Etcd-Index` of the answer.
  case event(Event, etcdIndex: EtcdIndex)
  /// An error of the v2 API, such as 100 or 105.
  case refused(EtcdError)
  /// Something that is no answer of the v2 API; the text says what.
  case malformed(String)
  /// No answer in time, no connection, or a 5xx; the text says what. Worth another try.
  case unreachable(String)
}

/// The way to one token of a discovery service: a directory of a v2 keys API at an arbitrary base URL.
///
/// Units: plain requests are given up after about 5 s; ``DiscoveryRequest/awaitChange(index:)`` may be held for minutes.
public protocol DiscoveryEndpoint: Sendable {
  /// Sends one request and waits for its answer; a cancelled task answers ``DiscoveryAnswer/unreachable(_:)``.
  func answer(to request: DiscoveryRequest) async -> DiscoveryAnswer
}
