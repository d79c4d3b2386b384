// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import NIOCore
import NIOHTTP1

/// `/discovery/new`: makes the token of a new cluster.
///
/// Source: coreos/discovery.etcd.io `handlers/new.go`; specs/discovery.md §6.
///
/// Differs: the size is checked, since a cluster of 0 or 1000 members can never be complete; the address is built from
/// the request's own `Host`, so that it works for whoever asked.
struct DiscoveryRoute: HTTPRoute {
  /// Sizes a cluster may have.
  static let sizes = 1...9
  /// The size when none is asked for.
  static let defaultSize = 3
  /// Below this key stand the tokens.
  static let registryKey = "/_etcd/registry"

  /// The answer to what cannot be a token.
  static let noToken = HTTPResponse.text(
    .notFound,
    "this is no discovery token: one is 32 digits from 0-9 and a-f, and made by /discovery/new?size=N\n"
  )

  let keys: any KeysAPI
  /// Whether the request has come over TLS, as those to the new address will have to.
  var isSecure = false

  func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) {
    guard [.GET, .PUT, .POST].contains(request.method) else {
      return exchange.respond(.methodNotAllowed(allow: "GET,PUT,POST"))
    }
    guard let size = Self.size(in: request.target.query) else {
      let range = "\(Self.sizes.lowerBound) to \(Self.sizes.upperBound)"
      return exchange.respond(.text(.badRequest, "size must be a number from \(range)\n"))
    }
    guard let host = request.headers.first(name: "host"), Self.isHost(host) else {
      return exchange.respond(.text(.badRequest, "the Host header is needed to build the discovery URL\n"))
    }
    let token = Self.makeToken()
    let scheme = isSecure ? "https" : "http"
    make(token, size) { error in
      if let error {
        exchange.respond(.text(.serviceUnavailable, "Unable to generate token: \(error)\n"))
      } else {
        exchange.respond(.text(.ok, "\(scheme)://\(host)/discovery/\(token)"))
      }
    }
  }

  /// Makes a token's directory, which goes away when nobody registers, and writes the size into it.
  private func make(_ token: String, _ size: Int, _ done: @escaping @Sendable (EtcdError?) -> Void) {
    let directory = "\(Self.registryKey)/\(token)"
    let ttl = TTLChange.seconds(DiscoveryUpkeep.idleSeconds)
    keys.perform(.write(key: directory, .create(value: "", isDirectory: true, ttl: ttl))) { [keys] result in
      if case .failure(let error) = result { return done(error) }
      let create = KeysWrite.create(value: String(size), isDirectory: false, ttl: .permanent)
      keys.perform(.write(key: "\(directory)/_config/size", create)) { result in
        if case .failure(let error) = result { done(error) } else { done(nil) }
      }
    }
  }

  /// The methods of what lies at a token (`rest` is empty) or below it; nil when nothing does.
  ///
  /// The configuration of a token is fixed when the token is made.
  static func methods(of rest: String) -> [HTTPMethod]? {
    let segments = rest.split(separator: "/")
    if segments.isEmpty { return [.GET, .HEAD, .PUT] }
    if segments == ["_config", "size"] { return [.GET, .HEAD] }
    guard segments.count == 1 else { return nil }
    return segments[0].utf8.first == UInt8(ascii: "_") ? [.GET, .HEAD] : [.GET, .HEAD, .PUT, .DELETE]
  }

  private static func size(in query: String) -> Int? {
    let given = QueryItems(query)["size"] ?? ""
    guard let size = given.isEmpty ? defaultSize : Int(given), sizes.contains(size) else { return nil }
    return size
  }

  private static func isHost(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "-"),
          UInt8(ascii: "_"), UInt8(ascii: "["), UInt8(ascii: "]"):
          true
        default: false
        }
      }
  }

  private static func makeToken() -> String {
    var generator = SystemRandomNumberGenerator()
    let halves = [generator.next() as UInt64, generator.next() as UInt64]
    return halves.map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
