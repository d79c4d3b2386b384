// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import NIOCore
import NIOHTTP1
import NIOPosix

/// `/coracle/v1/…`: what neither etcd nor fleet had: the node's own standing, and units as their machine sees them.
///
/// - `GET /coracle/v1/status[?digest=true]`
/// - `POST /coracle/v1/join`: a worker is to look now whether it has been made a member (202)
/// - `GET /coracle/v1/units/<name>/status`, `…/explain`
/// - `GET /coracle/v1/units/<name>/journal[?lines=N][&follow=true]`: one JSON object a line
///
/// `/coracle/v1/journal` is ``JournalRoute``.
///
/// With `local=true` a unit's question is answered for this machine only, which is how nodes ask each other: two that
/// disagree on where a unit is must not send a question to and fro. Errors have fleet's body.
struct NodeRoute: HTTPRoute {
  /// Lines of a journal when none are asked for, as `systemctl status` shows.
  static let defaultLines = 10
  /// Most lines of a journal in one answer.
  static let maximumLines = 100_000

  let store: StorePort
  let inspection: (any UnitInspectionAPI)?

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    let parts = request.target.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(3).map(
      String.init
    )
    if parts == ["join"] { return serveJoin(request, exchange) }
    let question = parts.count == 3 && parts[0] == "units" ? parts[2] : parts == ["status"] ? "node" : ""
    guard ["node", "status", "explain", "journal"].contains(question) else {
      return exchange.respond(Self.response(to: .notFound("no such resource")))
    }
    guard request.method == .GET else {
      return exchange.respond(Self.response(to: .methodNotAllowed("only GET supported against this resource")))
    }
    if question == "node" { return serveStatus(withDigest: QueryItems(request.target.query).isOn("digest"), exchange) }
    guard let inspection else {
      return exchange.respond(Self.response(to: .unavailable("the node does not run units yet")))
    }
    let name = parts[1]
    switch question {
    case "status": answer(exchange) { () async throws(FleetAPIError) in try await inspection.status(of: name).json }
    case "explain": answer(exchange) { () async throws(FleetAPIError) in try await inspection.explain(name).json }
    default: serveJournal(of: name, QueryItems(request.target.query), inspection, exchange)
    }
  }

  private func answer(
    _ exchange: HTTPExchange,
    _ make: @escaping @Sendable () async throws(FleetAPIError) -> JSONValue
  ) {
    exchange.respond {
      do throws(FleetAPIError) {
        return .json(.ok, try await make().text)
      } catch {
        return Self.response(to: error)
      }
    }
  }

  private func serveJournal(
    of name: String,
    _ query: QueryItems,
    _ inspection: any UnitInspectionAPI,
    _ exchange: HTTPExchange
  ) {
    guard let lines = query["lines"].map({ Int($0) }) ?? Self.defaultLines, (0...Self.maximumLines).contains(lines)
    else {
      let range = "0 to \(Self.maximumLines)"
      return exchange.respond(Self.response(to: .badRequest("lines must be a number from \(range)")))
    }
    let isFollowing = query.isOn("follow")
    exchange.stream {
      let headers: HTTPHeaders = ["Content-Type": "application/x-ndjson"]
      do {
        if isFollowing {
          // A follower may wait long for its first line, so what can be refused is refused before.
          _ = try await inspection.status(of: name)
          exchange.begin(.ok, headers: headers, isOpenEnded: true)
        }
        for try await line in inspection.journal(of: name, lines: lines, follow: isFollowing) {
          exchange.begin(.ok, headers: headers)
          var bytes = line.json.serialized()
          bytes.append(UInt8(ascii: "\n"))
          try await exchange.sendWaiting(ByteBuffer(bytes: bytes)).get()
        }
        exchange.begin(.ok, headers: headers)
        exchange.end()
      } catch let error as FleetAPIError {
        exchange.respond(Self.response(to: error))
        throw error
      }
    }
  }

  private func serveJoin(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard request.method == .POST else {
      return exchange.respond(Self.response(to: .methodNotAllowed("only POST supported against this resource")))
    }
    // Nothing to look for on a member; asking changes nothing there.
    if case .worker(let forwarder) = store { forwarder.refreshSoon() }
    exchange.respond(HTTPResponse(.accepted))
  }

  private func serveStatus(withDigest: Bool, _ exchange: HTTPExchange) {
    switch store {
    case .starting: exchange.respond(Self.response(to: .unavailable("the node has not joined its cluster yet")))
    case .worker(let forwarder):
      exchange.respond(.json(.ok, NodeStatusJSON.worker(forwarder).text))
    case .member(_, let cluster, _):
      guard withDigest else { return exchange.respond(.json(.ok, NodeStatusJSON.member(cluster, digest: nil).text)) }
      exchange.respond {
        // The digest walks the whole store, which neither an event loop nor the tasks' threads should.
        let digest = try? await NIOThreadPool.singleton.runIfActive { cluster.storeDigest() }
        return .json(.ok, NodeStatusJSON.member(cluster, digest: digest).text)
      }
    }
  }

  private static func response(to error: FleetAPIError) -> HTTPResponse {
    .json(HTTPResponseStatus(statusCode: error.httpStatus), error.json.text)
  }
}
