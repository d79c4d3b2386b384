// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The server the recorded fleetctl talked to: units are at once in the state that is wanted of them.
///
/// Its answers are those of `fixtures/fleet/fleetctl-vs-mock.txt`.
final class ScriptedFleetServer: Sendable {
  /// How it answers questions for the state of one unit, and whether units have a state at all.
  enum Mode: String, CaseIterable {
    case normal
    case state404
    case state500
    case stateempty
    case nostate
  }

  struct Request: Equatable {
    var method: String
    var target: String
    var headers: [String]
    var body: String
  }

  private struct State {
    var units: [String: JSONValue] = [:]
    var requests: [Request] = []
  }

  private let mode: Mode
  private let state = Mutex(State())
  private static let machine = "m1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

  init(_ mode: Mode) {
    self.mode = mode
  }

  /// What it was asked since the last look.
  func takeRequests() -> [Request] {
    state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  /// Serves on a port of its own while the body runs.
  func serve(_ body: (_ url: String) async throws -> Void) async throws {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(Connection(server: self))
        }
      }
    let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    do {
      try await body("http://127.0.0.1:\(port)")
    } catch {
      try? await channel.close()
      throw error
    }
    try await channel.close()
  }

  fileprivate func answer(_ request: Request) -> (status: Int, body: String) {
    state.withLock { state in
      state.requests.append(request)
      let path = String(request.target.prefix { $0 != "?" })
      let parts = path.split(separator: "/").map { $0.removingPercentEscapes }
      guard parts.starts(with: ["fleet", "v1"]) else { return (404, Self.error(404, "")) }
      switch (request.method, parts.count, parts.count > 2 ? parts[2] : "") {
      case ("GET", 3, "machines"):
        return (200, #"{"machines": [{"id": "\#(Self.machine)", "primaryIP": "10.0.0.1"}]}"#)
      case ("GET", 3, "state"):
        // The recorded fleetctl never asked for the states of one unit this way; real servers leave out the others.
        let isOfOne = request.target.contains("unitName=") && !request.target.contains("unitName=a.service")
        let unitState = isOfOne ? "" : Self.unitState("a.service", machine: Self.machine, hash: "0123456789")
        return (200, #"{"states": [\#(unitState)]}"#)
      case ("GET", 4, "state"): return unitState(parts[3])
      case ("GET", 3, "units"):
        let units = state.units.sorted { $0.key < $1.key }.map(\.value)
        return (200, JSONValue.fields(["units": .array(units)]).text)
      case ("GET", 4, "units"):
        guard let unit = state.units[parts[3]] else { return (404, Self.error(404, "unit does not exist")) }
        return (200, unit.text)
      case ("PUT", 4, "units"): return put(parts[3], request.body, &state)
      case ("DELETE", 4, "units"):
        state.units[parts[3]] = nil
        return (204, "")
      default: return (404, Self.error(404, ""))
      }
    }
  }

  private func put(_ name: String, _ body: String, _ state: inout State) -> (status: Int, body: String) {
    guard let json = try? JSONValue.parseFirst(body.utf8) else { return (400, Self.error(400, "bad body")) }
    let isNew = state.units[name] == nil
    let options = json["options"] ?? state.units[name]?["options"] ?? []
    let wanted = json["desiredState"] ?? "inactive"
    var fields: [JSONValue.Field] = [.init("name", .string(name)), .init("options", options)]
    fields.append(.init("desiredState", wanted))
    if mode != .nostate { fields.append(.init("currentState", wanted)) }
    if wanted != "inactive" { fields.append(.init("machineID", .string(Self.machine))) }
    state.units[name] = .object(fields)
    return (isNew ? 201 : 204, "")
  }

  private func unitState(_ name: String) -> (status: Int, body: String) {
    switch mode {
    case .normal, .nostate: (200, Self.unitState(name, machine: "m1", hash: "abc"))
    case .state404: (404, Self.error(404, "unit state does not exist"))
    case .state500: (500, Self.error(500, ""))
    case .stateempty: (200, "{}")
    }
  }

  private static func unitState(_ name: String, machine: String, hash: String) -> String {
    JSONValue.fields([
      "name": .string(name), "systemdActiveState": "active", "systemdLoadState": "loaded",
      "systemdSubState": "running", "machineID": .string(machine), "hash": .string(hash),
    ]).text
  }

  private static func error(_ code: Int, _ message: String) -> String {
    #"{"error": {"code": \#(code), "message": "\#(message)"}}"#
  }
}

/// One client's connection.
private final class Connection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let server: ScriptedFleetServer
  private var head: HTTPRequestHead?
  private var body = ""

  init(server: ScriptedFleetServer) {
    self.server = server
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body = ""
    case .body(let part): body += String(buffer: part)
    case .end:
      guard let head else { return }
      let request = ScriptedFleetServer.Request(
        method: head.method.rawValue,
        target: head.uri,
        headers: head.headers.map { "\($0.name): \($0.value)" },
        body: body
      )
      let answer = server.answer(request)
      var headers: HTTPHeaders = ["Content-Type": "application/json"]
      if answer.status != 204 { headers.add(name: "Content-Length", value: "\(answer.body.utf8.count)") }
      let status = HTTPResponseStatus(statusCode: answer.status)
      context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
  }
}

extension Substring {
  fileprivate var removingPercentEscapes: String {
    var bytes: [UInt8] = []
    var rest = utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
