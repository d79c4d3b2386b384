// SPDX-License-Identifier: Apache-2.0
public import CloudConfig
import EtcdStore

/// The client's side of the discovery protocol as a machine without clock or network.
///
/// The answer to each directive is handed back with ``receive(_:)``, until one is ``Directive/finish(_:)`` or
/// ``Directive/fail(_:)``. The token's directory is read again after every change below it, so events that are missed,
/// foreign or cut off do no harm.
///
/// Source: etcd v2.3.8 `discovery/discovery.go`; specs/discovery.md §2. Differs: waits between tries are capped; a
/// registration that timed out is found again instead of killing the node; changes are not counted but looked at.
public struct DiscoveryBootstrap: Sendable {
  /// What this node wants of the token.
  public enum Role: Sendable, Equatable {
    /// A place among the members, if there is one left.
    ///
    /// `mayBeRegistered` says that this node, with this data directory, may have registered before.
    case register(name: String, peerURLs: [EndpointURL], mayBeRegistered: Bool)
    /// Only the members' URLs, as a proxy.
    case observe
  }

  /// How discovery ends well.
  public enum Outcome: Sendable, Equatable {
    /// This node is one of these members.
    case member(InitialCluster)
    /// These are the members, and this node is none of them.
    case worker(InitialCluster)
  }

  /// What to do next.
  public enum Directive: Sendable, Equatable {
    /// Send the request and hand back its answer.
    case send(DiscoveryRequest)
    /// Wait, then send the request; the text says what went wrong.
    case retry(DiscoveryRequest, after: Duration, reason: String)
    /// The members are known.
    case finish(Outcome)
    /// The token cannot be used.
    case fail(DiscoveryFailure)
  }

  private enum Step: Sendable, Equatable {
    /// The size is being read.
    case readingSize
    /// The directory is being read; `registeredAt` is nil while this node is not in it.
    case readingMembers(registeredAt: EtcdIndex?)
    /// This node is being added to the directory.
    case registering
    /// The directory is not complete; a change is awaited.
    case awaitingChange(registeredAt: EtcdIndex?)
  }

  /// The longest wait between two tries.
  public static let longestWait: Duration = .seconds(30)
  private static let firstWait: Duration = .seconds(2)

  /// The whole discovery URL.
  public let url: String
  /// Members that the cluster is to have; 0 until it is known.
  public private(set) var size = 0
  /// Members that have registered so far.
  public private(set) var registeredCount = 0

  private let role: Role
  private let ownID: MemberID?
  private var hasTriedToRegister: Bool
  private var step = Step.readingSize
  private var wait = Self.firstWait

  /// Makes a machine for one token and node.
  public init(url: String, role: Role) {
    self.url = url
    self.role = role
    switch role {
    case .register(_, let peerURLs, let mayBeRegistered):
      // The whole URL is the cluster's token: members must spell it the same.
      ownID = MemberID(peerURLs: peerURLs, clusterToken: url)
      hasTriedToRegister = mayBeRegistered
    case .observe:
      ownID = nil
      hasTriedToRegister = false
    }
  }

  /// The first thing to do.
  public func start() -> Directive {
    .send(.readSize)
  }

  /// Takes the answer to the last request and says what to do next.
  public mutating func receive(_ answer: DiscoveryAnswer) -> Directive {
    switch answer {
    case .unreachable(let reason): return retry(reason)
    case .malformed(let reason): return .fail(.badEndpoint(url: url, reason: reason))
    case .refused(let error): return receive(error)
    case .event(let event, let etcdIndex):
      wait = Self.firstWait
      switch step {
      case .readingSize: return receiveSize(event)
      case .readingMembers(let registeredAt):
        return receiveMembers(event, etcdIndex: etcdIndex, registeredAt: registeredAt)
      case .registering: return readMembers(registeredAt: event.node.createdIndex)
      case .awaitingChange(let registeredAt): return readMembers(registeredAt: registeredAt)
      }
    }
  }

  // MARK: Answers

  private mutating func receive(_ error: EtcdError) -> Directive {
    switch (step, error.code) {
    case (.readingSize, .keyNotFound): return .fail(.noSuchToken(url: url))
    case (.registering, .nodeExists):
      // Only a directory read can tell whether it is ours.
      return readMembers(registeredAt: nil)
    case (.awaitingChange(let registeredAt), .eventIndexCleared): return readMembers(registeredAt: registeredAt)
    default: return .fail(.refused(url: url, error))
    }
  }

  private mutating func receiveSize(_ event: Event) -> Directive {
    let text = event.node.value ?? ""
    guard let size = Int(text), size > 0 else { return .fail(.badSize(url: url, text: text)) }
    self.size = size
    return readMembers(registeredAt: nil)
  }

  private mutating func receiveMembers(
    _ event: Event,
    etcdIndex: EtcdIndex,
    registeredAt: EtcdIndex?
  ) -> Directive {
    let registrations = Registration.all(in: event.node)
    registeredCount = registrations.count
    let members = registrations.prefix(size)
    guard case .register(let name, let peerURLs, _) = role, let ownID else {
      return members.count == size ? finish(members, as: Outcome.worker) : awaitChange(after: etcdIndex, registeredAt)
    }
    guard let own = registrations.first(where: { $0.id == ownID.description }) else {
      if let registeredAt {
        // A reader that lags behind the registration has to be asked again.
        return etcdIndex < registeredAt
          ? retry("this node's registration is not visible yet") : .fail(.registrationGone(url: url))
      }
      if members.count == size { return finish(members, as: Outcome.worker) }
      step = .registering
      hasTriedToRegister = true
      return .send(.register(id: ownID.description, value: Registration.value(name: name, peerURLs: peerURLs)))
    }
    guard registeredAt != nil || hasTriedToRegister, own.value == Registration.value(name: name, peerURLs: peerURLs)
    else { return .fail(.alreadyRegistered(url: url, value: own.value)) }
    guard members.contains(own) else { return finish(members, as: Outcome.worker) }
    return members.count == size
      ? finish(members, as: Outcome.member) : awaitChange(after: etcdIndex, own.createdIndex)
  }

  // MARK: Directives

  private mutating func readMembers(registeredAt: EtcdIndex?) -> Directive {
    step = .readingMembers(registeredAt: registeredAt)
    return .send(.readMembers)
  }

  private mutating func awaitChange(after etcdIndex: EtcdIndex, _ registeredAt: EtcdIndex?) -> Directive {
    step = .awaitingChange(registeredAt: registeredAt)
    return .send(.awaitChange(index: etcdIndex.next))
  }

  private mutating func retry(_ reason: String) -> Directive {
    let after = wait
    wait = min(wait * 2, Self.longestWait)
    switch step {
    case .readingSize: return .retry(.readSize, after: after, reason: reason)
    case .readingMembers: return .retry(.readMembers, after: after, reason: reason)
    case .registering:
      // The request may have been carried out; the directory tells.
      step = .readingMembers(registeredAt: nil)
      return .retry(.readMembers, after: after, reason: reason)
    case .awaitingChange(let registeredAt):
      step = .readingMembers(registeredAt: registeredAt)
      return .retry(.readMembers, after: after, reason: reason)
    }
  }

  private func finish(_ members: ArraySlice<Registration>, as outcome: (InitialCluster) -> Outcome) -> Directive {
    do {
      let cluster = try InitialCluster(parsing: members.map(\.value).joined(separator: ","))
      guard cluster.entries.count == size else { return .fail(.duplicateName(url: url, cluster: cluster.text)) }
      return .finish(outcome(cluster))
    } catch {
      return .fail(.badMember(url: url, reason: error.description))
    }
  }
}

/// One member's key below a token.
struct Registration: Equatable {
  /// The member's id in hexadecimal.
  var id: String
  /// `name=url[,name=url]`.
  var value: String
  var createdIndex: EtcdIndex

  /// The members below a token's directory, the first to register first.
  static func all(in directory: NodeView) -> [Registration] {
    (directory.nodes ?? [])
      .compactMap { node in
        let id = node.key.split(separator: "/").last.map(String.init) ?? ""
        guard !node.isDirectory, !id.hasPrefix("_") else { return nil }
        return Registration(id: id, value: node.value ?? "", createdIndex: node.createdIndex)
      }
      .sorted { $0.createdIndex < $1.createdIndex }
  }

  static func value(name: String, peerURLs: [EndpointURL]) -> String {
    peerURLs.map { "\(name)=\($0.text)" }.joined(separator: ",")
  }
}
