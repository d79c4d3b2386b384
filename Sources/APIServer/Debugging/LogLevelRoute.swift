// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Logging
import NIOCore
import NIOHTTP1

/// `PUT /config/local/log`: changes how much this node logs, until its next start.
///
/// Source: etcd v3.4 `etcdserver/api/v2http/client.go` `logHandleFunc`, with the level names of its log package.
struct LogLevelRoute: HTTPRoute {
  let setLevel: (@Sendable (Logger.Level) -> Void)?
  let cors: CORSHeaders

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    exchange.respond(response(to: request).adding(cors))
  }

  private func response(to request: HTTPRequest) -> HTTPResponse {
    guard request.method == .PUT else { return .methodNotAllowed(allow: "PUT") }
    guard let body = try? JSONValue.parse(request.body.readableBytesView), let fields = body.object else {
      return Self.refusal("Invalid json body")
    }
    // Go's decoder takes a field's name in any case.
    let field = fields.last { $0.name.lowercased() == "level" }?.value ?? .string("")
    guard let name = field.string else { return Self.refusal("Invalid json body") }
    guard let level = Self.level(named: name) else { return Self.refusal("Invalid log level \(name)") }
    setLevel?(level)
    return HTTPResponse(.noContent)
  }

  private static func refusal(_ message: String) -> HTTPResponse {
    .json(.badRequest, JSONValue.fields(["message": .string(message)]).text)
  }

  private static func level(named name: String) -> Logger.Level? {
    switch name.uppercased() {
    case "CRITICAL", "C": .critical
    case "ERROR", "0", "E": .error
    case "WARNING", "1", "W": .warning
    case "NOTICE", "2", "N": .notice
    case "INFO", "3", "I": .info
    case "DEBUG", "4", "D": .debug
    case "TRACE", "5", "T": .trace
    default: nil
    }
  }
}
