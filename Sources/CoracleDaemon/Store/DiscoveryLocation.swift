// SPDX-License-Identifier: Apache-2.0

/// A discovery URL taken apart: a directory of some v2 keys API, whose path the server may choose.
///
/// `http://h:2379/v2/keys/_etcd/registry/T` names the keys themselves, `http://h:2379/discovery/T` and
/// `https://discovery.etcd.io/T` a service that hides their path. Source: specs/discovery.md §1.
struct DiscoveryLocation: Equatable {
  /// Scheme, host and port.
  let server: String
  /// The path of the token's directory, without slash at the end.
  let path: String

  /// Takes a discovery URL apart.
  ///
  /// - Throws: ``NodeError`` naming the URL when it has no token.
  init(_ url: String) throws(NodeError) {
    guard let scheme = url.firstRange(of: "://") else { throw Self.refusal(url) }
    let rest = url[scheme.upperBound...]
    guard let slash = rest.firstIndex(of: "/") else { throw Self.refusal(url) }
    let parts = rest[slash...].split(separator: "/")
    guard let token = parts.last, !token.contains("<") else { throw Self.refusal(url) }
    server = String(url[..<slash])
    path = "/" + parts.joined(separator: "/")
  }

  private static func refusal(_ url: String) -> NodeError {
    NodeError("the discovery URL \(url) has no token; make one with: coracle cluster discovery new --size N")
  }
}
