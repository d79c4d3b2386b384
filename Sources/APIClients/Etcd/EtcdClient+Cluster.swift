// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
import NIOCore
import NIOHTTP1

/// What the command line asks about a cluster besides keys.
extension EtcdClient {
  /// The members, as any of them lists them.
  ///
  /// - Throws: ``APIClientError``.
  public func members() async throws(APIClientError) -> [ClusterMember] {
    let answer = try await fetch("/v2/members")
    guard let list = try json(answer)["members"]?.array else { throw Self.unexpected(answer) }
    return list.compactMap(Self.member)
  }

  /// The members, asked of peer URLs: for a machine that knows no client URL yet.
  ///
  /// Source: etcd v2.3.8 `etcdserver/etcdhttp/peer.go`; specs/etcd-v2.md §18.
  ///
  /// - Throws: ``APIClientError``.
  public func membersFromPeers() async throws(APIClientError) -> [ClusterMember] {
    let answer = try await fetch("/members")
    guard let list = try json(answer).array else { throw Self.unexpected(answer) }
    return list.compactMap(Self.member)
  }

  /// The cluster as one of its members lists it, which knows its id too.
  ///
  /// - Throws: ``APIClientError``.
  public func memberList() async throws(APIClientError) -> MemberList {
    let answer = try await fetch("/v2/members")
    guard let list = try json(answer)["members"]?.array else { throw Self.unexpected(answer) }
    return Self.memberList(list, answer)
  }

  /// The same, asked of peer URLs.
  ///
  /// - Throws: ``APIClientError``.
  public func memberListFromPeers() async throws(APIClientError) -> MemberList {
    let answer = try await fetch("/members")
    guard let list = try json(answer).array else { throw Self.unexpected(answer) }
    return Self.memberList(list, answer)
  }

  private static func memberList(_ list: [JSONValue], _ answer: IncomingAnswer) -> MemberList {
    let id = answer.headers.first(name: "X-Etcd-Cluster-Id").flatMap { UInt64($0, radix: 16) }
    return MemberList(clusterID: id, members: list.compactMap(member))
  }

  /// The member that leads; nil during an election.
  ///
  /// - Throws: ``APIClientError``.
  public func leader() async throws(APIClientError) -> ClusterMember? {
    let answer = try await fetch("/v2/members/leader", accepting: [.ok, .serviceUnavailable])
    guard answer.status == .ok else { return nil }
    guard let leader = Self.member(try json(answer)) else { throw Self.unexpected(answer) }
    return leader
  }

  /// The versions of a server and of its cluster.
  ///
  /// - Throws: ``APIClientError``.
  public func version() async throws(APIClientError) -> (server: String, cluster: String) {
    let answer = try await fetch("/version")
    let body = try json(answer)
    return (body["etcdserver"]?.string ?? "", body["etcdcluster"]?.string ?? "")
  }

  /// Whether one member says that its cluster takes requests; asks no other endpoint.
  ///
  /// - Throws: ``APIClientError`` when it cannot be asked.
  public func isHealthy(_ endpoint: Endpoint) async throws(APIClientError) -> Bool {
    let single = EndpointPool([endpoint], transport: pool.transport)
    let answer = try await single.send(
      OutgoingRequest(target: "/health", headTimeout: requestTimeout, isRepeatable: true)
    )
    let health = try json(answer)["health"]
    return answer.status == .ok && (health?.string == "true" || health?.bool == true)
  }

  func fetch(_ target: String, accepting: [HTTPResponseStatus] = [.ok]) async throws(APIClientError) -> IncomingAnswer {
    let answer = try await pool.send(OutgoingRequest(target: target, headTimeout: localTimeout, isRepeatable: true))
    guard accepting.contains(answer.status) else { throw Self.unexpected(answer) }
    return answer
  }

  func json(_ answer: IncomingAnswer) throws(APIClientError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue.parse(answer.body.readableBytesView)
    } catch {
      throw APIClientError(.badAnswer, "\(answer.endpoint) answered no JSON: \(error)", cause: error)
    }
  }

  static func member(_ body: JSONValue) -> ClusterMember? {
    // The client port spells ids in hexadecimal, the peer port as numbers.
    guard let id = body["id"]?.string.flatMap({ UInt64($0, radix: 16) }) ?? body["id"]?.uint64 else { return nil }
    return ClusterMember(
      id: id,
      name: body["name"]?.string ?? "",
      peerURLs: body["peerURLs"]?.strings ?? [],
      clientURLs: body["clientURLs"]?.strings ?? []
    )
  }

  static func unexpected(_ answer: IncomingAnswer) -> APIClientError {
    let status = answer.status
    return APIClientError(
      .refused(status: Int(status.code)),
      "\(answer.endpoint) answered \(status.code) \(status.reasonPhrase): \(answer.excerpt)"
    )
  }
}

/// A cluster as one of its members lists it.
public struct MemberList: Sendable, Equatable {
  /// The cluster's id; nil when the server did not tell it.
  public var clusterID: UInt64?
  /// The members, ordered by id.
  public var members: [ClusterMember]

  /// Makes a list.
  public init(clusterID: UInt64?, members: [ClusterMember]) {
    self.clusterID = clusterID
    self.members = members
  }
}
