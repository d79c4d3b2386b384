// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1

/// `/v2/members`: lists, adds, changes and removes members.
///
/// Source: etcd v2.3.8 `etcdserver/etcdhttp/client.go` `membersHandler`; specs/etcd-v2.md §12.
struct MembersRoute: HTTPRoute {
  let cluster: any ClusterAPI
  let access: AccessGuard
  let cors: CORSHeaders
  /// What follows `/v2/members/`; empty for the list.
  let name: String

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    switch request.method {
    case .GET: exchange.respond(finished(list()))
    case .POST, .PUT, .DELETE:
      access.askForRoot(request) { verdict in
        switch verdict {
        case .allowed: change(request, exchange)
        case .refused: exchange.respond(HTTPResponse.insufficientCredentials.adding(cors))
        case .busy: exchange.respond(HTTPResponse.internalServerError.adding(cors))
        }
      }
    default: exchange.respond(HTTPResponse.methodNotAllowed(allow: "GET,POST,DELETE,PUT").adding(cors))
    }
  }

  private func change(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    switch request.method {
    case .POST: add(request, exchange)
    case .PUT: update(request, exchange)
    default: remove(exchange)
    }
  }

  private func list() -> HTTPResponse {
    switch name {
    case "":
      return .json(.ok, JSONValue.fields(["members": .array(cluster.members.map(ClusterJSON.encode))]).text + "\n")
    case "leader":
      let members = cluster.members
      guard let leaderID = cluster.leaderID, let leader = members.first(where: { $0.id == leaderID }) else {
        return Self.message(.serviceUnavailable, "During election")
      }
      return .json(.ok, ClusterJSON.encode(leader).text + "\n")
    default: return Self.message(.notFound, "Not found")
    }
  }

  private func add(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let peerURLs = peerURLs(of: request, exchange) else { return }
    cluster.addMember(peerURLs: peerURLs) { result in
      switch result {
      case .success(let member): exchange.respond(finished(.json(.created, ClusterJSON.encode(member).text + "\n")))
      case .failure(let error): exchange.respond(finished(refusal(error)))
      }
    }
  }

  private func update(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard let id = memberID(exchange), let peerURLs = peerURLs(of: request, exchange) else { return }
    cluster.updateMember(id: id, peerURLs: peerURLs) { answerChange($0, exchange) }
  }

  private func remove(_ exchange: HTTPExchange) {
    guard let id = memberID(exchange) else { return }
    cluster.removeMember(id: id) { answerChange($0, exchange) }
  }

  private func answerChange(_ result: Result<Void, ClusterChangeError>, _ exchange: HTTPExchange) {
    switch result {
    case .success: exchange.respond(finished(HTTPResponse(.noContent)))
    case .failure(let error): exchange.respond(finished(refusal(error)))
    }
  }

  /// The id in the path; answers the request when there is none.
  private func memberID(_ exchange: HTTPExchange) -> UInt64? {
    guard !name.isEmpty else {
      exchange.respond(finished(.methodNotAllowed(allow: nil)))
      return nil
    }
    guard let id = UInt64(name, radix: 16) else {
      exchange.respond(finished(Self.message(.notFound, "No such member: \(name)")))
      return nil
    }
    return id
  }

  /// The peer URLs of the body; answers the request when they are none.
  private func peerURLs(of request: HTTPRequest, _ exchange: HTTPExchange) -> [String]? {
    let response: HTTPResponse
    if request.bodyIsTooLarge {
      response = Self.message(.badRequest, "http: request body too large")
    } else if request.mediaType != "application/json" {
      let type = request.headers.first(name: "content-type") ?? ""
      response = Self.message(.unsupportedMediaType, "Bad Content-Type \(type), accept application/json")
    } else {
      do {
        return try PeerURLList.parse(JSONValue.parse(request.body.readableBytesView))
      } catch let error as PeerURLList.Refusal {
        response = Self.message(.badRequest, error.message)
      } catch {
        response = Self.message(.badRequest, "\(error)")
      }
    }
    exchange.respond(finished(response))
    return nil
  }

  private func refusal(_ error: ClusterChangeError) -> HTTPResponse {
    switch error {
    case .peerURLExists: Self.message(.conflict, "membership: peerURL exists")
    case .idExists: Self.message(.conflict, "membership: ID exists")
    case .noSuchMember: Self.message(.notFound, "No such member: \(name)")
    case .permanentlyRemoved: Self.message(.gone, "Member permanently removed: \(name)")
    case .failed(let reason):
      // Etcd keeps the reason to its log; a field more disturbs no client.
      .json(
        .internalServerError,
        JSONValue.fields(["message": "Internal Server Error", "reason": .string(reason)]).text
      )
    }
  }

  private static func message(_ status: HTTPResponseStatus, _ text: String) -> HTTPResponse {
    .json(status, JSONValue.fields(["message": .string(text)]).text)
  }

  private func finished(_ response: HTTPResponse) -> HTTPResponse {
    var response = response
    response.headers.add(name: "X-Etcd-Cluster-Id", value: String(cluster.clusterID, radix: 16))
    return response.adding(cors)
  }
}
