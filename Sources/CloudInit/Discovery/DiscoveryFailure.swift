// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// Why a discovery token cannot be used.
///
/// Source: specs/discovery.md §3, said more plainly.
public enum DiscoveryFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The token is unknown, or nobody set its size.
  case noSuchToken(url: String)
  /// The size is no positive number.
  case badSize(url: String, text: String)
  /// The URL does not speak the v2 keys API.
  case badEndpoint(url: String, reason: String)
  /// This node's place is taken: its data directory was lost, or another machine uses its peer URLs.
  case alreadyRegistered(url: String, value: String)
  /// Two members registered with one name.
  case duplicateName(url: String, cluster: String)
  /// What a member registered cannot be understood.
  case badMember(url: String, reason: String)
  /// This node registered and its key was removed again.
  case registrationGone(url: String)
  /// The service refused a request.
  case refused(url: String, EtcdError)
  /// The cluster is complete, and the document wants no worker.
  case full(url: String)

  /// What is wrong and what to do about it.
  public var description: String {
    if case .full = self { return problem }
    return "\(problem); make a new token (coracle cluster discovery new --size N) and boot with it"
  }

  private var problem: String {
    switch self {
    case .noSuchToken(let url): "there is no discovery token at \(url), or it has no size"
    case .badSize(let url, let text): "the size of the discovery token \(url) is \"\(text)\", not a number above 0"
    case .badEndpoint(let url, let reason): "\(url) is no discovery service (\(reason))"
    case .alreadyRegistered(let url, let value):
      "this member has registered with the discovery token \(url) before, as \"\(value)\", "
        + "but the data directory knows nothing of it: was it lost, or does another machine use the same peer URLs?"
    case .duplicateName(let url, let cluster): "two members of the discovery token \(url) have one name (\(cluster))"
    case .badMember(let url, let reason): "a member of the discovery token \(url) registered badly: \(reason)"
    case .registrationGone(let url): "this node's registration with the discovery token \(url) was removed"
    case .refused(let url, let error): "the discovery service refused \(url) (\(error))"
    case .full(let url): "the cluster of the discovery token \(url) is full, and discovery-fallback is exit"
    }
  }
}
