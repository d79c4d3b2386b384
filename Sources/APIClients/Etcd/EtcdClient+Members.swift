// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
import NIOCore
import NIOHTTP1

/// Changes of the membership; each needs a majority, and users need root.
///
/// Source: etcd v3.4.23 `client/members.go`; specs/etcd-v2.md §12.
extension EtcdClient {
  /// Adds a member that is about to join.
  ///
  /// - Returns: The new member, with its id.
  /// - Throws: ``APIClientError`` with the server's reason.
  public func addMember(peerURLs: [String]) async throws(APIClientError) -> ClusterMember {
    let answer = try await change(.POST, "/v2/members", peerURLs: peerURLs, accepting: [.created])
    guard let member = Self.member(try json(answer)) else { throw Self.unexpected(answer) }
    return member
  }

  /// Removes a member for good; one that is gone already is no error.
  ///
  /// - Throws: ``APIClientError`` with the server's reason.
  public func removeMember(id: String) async throws(APIClientError) {
    _ = try await change(.DELETE, "/v2/members/\(id)", peerURLs: nil, accepting: [.noContent, .gone])
  }

  /// Gives a member other peer URLs.
  ///
  /// - Throws: ``APIClientError`` with the server's reason.
  public func updateMember(id: String, peerURLs: [String]) async throws(APIClientError) {
    _ = try await change(.PUT, "/v2/members/\(id)", peerURLs: peerURLs, accepting: [.noContent, .created])
  }

  private func change(
    _ method: HTTPMethod,
    _ target: String,
    peerURLs: [String]?,
    accepting: [HTTPResponseStatus]
  ) async throws(APIClientError) -> IncomingAnswer {
    let body = peerURLs.map { JSONValue.fields(["peerURLs": .strings($0)]) }
    return try await send(method, target, body: body, accepting: accepting)
  }

  /// Sends a document to a part of the API whose errors are `{"message":…}`.
  ///
  /// - Throws: ``APIClientError``, with the server's message alone when it refuses.
  func send(
    _ method: HTTPMethod,
    _ target: String,
    body: JSONValue? = nil,
    accepting: [HTTPResponseStatus] = [.ok],
    isRepeatable: Bool = false
  ) async throws(APIClientError) -> IncomingAnswer {
    var request = OutgoingRequest(method: method, target: target)
    request.headTimeout = requestTimeout
    request.isRepeatable = isRepeatable
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = ByteBuffer(string: body.text)
    }
    let answer = try await pool.send(request)
    guard accepting.contains(answer.status) else { throw Self.refusal(answer) }
    return answer
  }

  /// What the server said, or what it answered when it said nothing.
  private static func refusal(_ answer: IncomingAnswer) -> APIClientError {
    let body = try? JSONValue.parse(answer.body.readableBytesView)
    guard let message = body?["message"]?.string, !message.isEmpty else { return unexpected(answer) }
    // A coracle says more than the message that etcd has.
    let reason = body?["reason"]?.string ?? ""
    return APIClientError(.refused(status: Int(answer.status.code)), reason.isEmpty ? message : reason)
  }
}
