// SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import EtcdWire
public import FleetWire
public import NIOCore
import NIOHTTP1

/// What coracle's nodes tell of themselves and of the units on their machines.
public final class NodeClient: UnitInspectionAPI {
  /// Lines of a journal that wait for a slow consumer before reading pauses.
  private static let bufferedLines = 1_000
  /// Longest line of a journal, as it is sent.
  private static let maximumLineBytes = 1024 * 1024

  let pool: EndpointPool
  let timeout: TimeAmount
  let asksLocally: Bool

  /// Makes a client.
  ///
  /// - Parameters:
  ///   - endpoints: Nodes, tried in order; at least one. Any node knows about all units.
  ///   - transport: The connections, which outlive the client.
  ///   - requestTimeout: How long an answer's head may take.
  ///   - asksLocally: Whether a node is to answer for its own machine only, instead of asking on.
  public init(
    endpoints: [Endpoint],
    transport: HTTPTransport,
    requestTimeout: TimeAmount = .seconds(10),
    asksLocally: Bool = false
  ) {
    pool = EndpointPool(endpoints, transport: transport)
    timeout = requestTimeout
    self.asksLocally = asksLocally
  }

  /// Where the node stands; with a digest of its whole store, which takes it a while.
  ///
  /// - Throws: ``FleetAPIError``; 503 also when no endpoint can be reached.
  public func nodeStatus(withDigest: Bool = false) async throws(FleetAPIError) -> NodeStatus {
    let body = try await get("status" + (withDigest ? "?digest=true" : ""))
    guard let status = NodeStatus(json: body) else { throw .failed("the server answered no status") }
    return status
  }

  /// Lets a worker look now whether it has been made a member.
  ///
  /// - Throws: ``FleetAPIError``; 503 when no endpoint can be reached.
  public func lookForMembership() async throws(FleetAPIError) {
    let request = OutgoingRequest(method: .POST, target: "/coracle/v1/join", headTimeout: timeout, isRepeatable: true)
    let answer = try await FleetAnswer.send(request, through: pool)
    guard answer.status == .accepted else { throw .failed("\(answer.endpoint) answered \(answer.status)") }
  }

  /// What `unit status` shows.
  ///
  /// - Throws: ``FleetAPIError``, 404 when there is no such unit or no machine has it loaded.
  public func status(of unitName: String) async throws(FleetAPIError) -> UnitStatusReport {
    guard let report = UnitStatusReport(json: try await get(path(unitName, "status"))) else {
      throw .failed("the server answered no status of a unit")
    }
    return report
  }

  /// Where a unit is placed, or why it is not.
  ///
  /// - Throws: ``FleetAPIError``, 404 when there is no such unit.
  public func explain(_ unitName: String) async throws(FleetAPIError) -> UnitExplanation {
    guard let explanation = UnitExplanation(json: try await get(path(unitName, "explain"))) else {
      throw .failed("the server answered no explanation")
    }
    return explanation
  }

  /// The last lines of a unit's output, and with `follow` every later one until the consumer stops.
  public func journal(
    of unitName: String,
    lines: Int,
    follow: Bool
  ) -> AsyncThrowingStream<JournalLine, any Error> {
    let target = path(unitName, "journal", ["lines=\(lines)"] + (follow ? ["follow=true"] : []))
    let policy = AsyncThrowingStream<JournalLine, any Error>.Continuation.BufferingPolicy
      .bufferingOldest(Self.bufferedLines)
    return AsyncThrowingStream(bufferingPolicy: policy) { continuation in
      let promise = pool.transport.group.any().makePromise(of: Void.self)
      let task = promise.completeWithTask { try await self.read(target, into: continuation) }
      continuation.onTermination = { _ in task.cancel() }
      promise.futureResult.whenComplete { result in
        switch result {
        case .success: continuation.finish()
        case .failure(let error): continuation.finish(throwing: error)
        }
      }
    }
  }

  private func read(
    _ target: String,
    into continuation: AsyncThrowingStream<JournalLine, any Error>.Continuation
  ) async throws {
    let response = try await openLines(target)
    var pending = ByteBuffer()
    for try await part in response.body {
      pending.writeImmutableBuffer(part)
      while let bytes = try Self.takeLine(from: &pending) {
        guard let line = (try? JSONValue.parse(bytes)).flatMap({ JournalLine(json: $0) }) else { continue }
        try await hand(line, to: continuation)
      }
    }
  }

  /// The next line that has arrived whole, without its end; nil when there is none yet.
  ///
  /// - Throws: ``FleetAPIError`` when it is too long to wait for.
  static func takeLine(from pending: inout ByteBuffer) throws(FleetAPIError) -> [UInt8]? {
    let bytes = pending.readableBytesView
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
      guard bytes.count <= maximumLineBytes else {
        throw .failed("a line of the journal is longer than \(maximumLineBytes) bytes")
      }
      pending.discardReadBytes()
      return nil
    }
    defer { pending.moveReaderIndex(to: end + 1) }
    return Array(bytes[..<end])
  }

  /// Asks for an answer that is read line by line, and waits for its head.
  ///
  /// - Throws: ``FleetAPIError`` for every answer but 200.
  func openLines(_ target: String) async throws -> HTTPClientResponse {
    let request = OutgoingRequest(target: "/coracle/v1/" + target, headTimeout: timeout, isRepeatable: true)
    let response: HTTPClientResponse
    do {
      response = try await pool.open(request).response
    } catch {
      throw FleetAnswer.unreachable(error, request, pool.endpoints)
    }
    guard response.status == .ok else {
      let body = try await response.body.collect(upTo: Self.maximumLineBytes)
      let answer = IncomingAnswer(
        endpoint: pool.endpoints[0],
        status: response.status,
        headers: response.headers,
        body: body
      )
      _ = try FleetAnswer.json(answer)
      throw FleetAPIError.failed("\(answer.endpoint) answered \(response.status) and no lines")
    }
    return response
  }

  /// Waits while the consumer has a full buffer before it, which makes the server wait in turn.
  private func hand(
    _ line: JournalLine,
    to continuation: AsyncThrowingStream<JournalLine, any Error>.Continuation
  ) async throws {
    while case .dropped = continuation.yield(line) { try await Task.sleep(for: .milliseconds(10)) }
  }

  private func get(_ target: String) async throws(FleetAPIError) -> JSONValue {
    try await operation(.GET, target, isRepeatable: true)
  }

  /// Asks for one of the node's own routes.
  func operation(
    _ method: HTTPMethod,
    _ target: String,
    body: JSONValue? = nil,
    isRepeatable: Bool
  ) async throws(FleetAPIError) -> JSONValue {
    let request = OutgoingRequest(
      method: method,
      target: "/coracle/v1/" + target,
      headers: body == nil ? [:] : ["Content-Type": "application/json"],
      body: body.map { ByteBuffer(bytes: $0.serialized()) },
      headTimeout: timeout,
      isRepeatable: isRepeatable
    )
    return try FleetAnswer.json(try await FleetAnswer.send(request, through: pool))
  }

  private func path(_ unitName: String, _ question: String, _ parameters: [String] = []) -> String {
    let query = (parameters + (asksLocally ? ["local=true"] : [])).joined(separator: "&")
    return "units/\(PercentCoding.encodedFormValue(unitName))/\(question)" + (query.isEmpty ? "" : "?" + query)
  }
}
