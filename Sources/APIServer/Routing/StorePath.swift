// SPDX-License-Identifier: Apache-2.0

/// The paths of the store's side of the API; every other path is 404 (specs/etcd-v2.md §1.5).
enum StorePath: Equatable {
  /// `/v2/keys…`
  case keys
  /// `/v2/members` with what follows the slash, empty for the list.
  case members(String)
  /// `/v2/auth/…`
  case auth(AuthPath)
  /// `/v2/machines`
  case machines
  /// `/v2/stats/self`
  case selfStatistics
  /// `/v2/stats/leader`
  case leaderStatistics
  /// `/v2/stats/store`
  case storeStatistics
  /// `/version`
  case version
  /// `/health`
  case health
  /// `/discovery/new`
  case newDiscoveryToken
  /// `/discovery/<token>[/…]` with the token and what follows it, including the slash.
  case discovery(token: String, rest: String)
  /// `/discovery/…` with what cannot be a token.
  case noDiscoveryToken
  /// `/v2/config/local/proxy`, which workers answer.
  case proxyConfiguration
  /// `/metrics`
  case metrics
  /// `/config/local/log`
  case logLevel
  /// `/debug/vars` and `/debug/pprof…`
  case debugging(DebugRoute.Question)

  init?(_ path: String) {
    if path.isAtOrBelow("/v2/keys") {
      self = .keys
      return
    }
    switch path {
    case "/v2/members": self = .members("")
    case "/v2/machines": self = .machines
    case "/v2/stats/self": self = .selfStatistics
    case "/v2/stats/leader": self = .leaderStatistics
    case "/v2/stats/store": self = .storeStatistics
    case "/version": self = .version
    case "/health": self = .health
    case "/discovery/new": self = .newDiscoveryToken
    case "/discovery": self = .noDiscoveryToken
    case "/v2/config/local/proxy": self = .proxyConfiguration
    case "/metrics": self = .metrics
    case "/config/local/log": self = .logLevel
    case "/debug/vars": self = .debugging(.variables)
    case "/debug/pprof": self = .debugging(.profile(""))
    default:
      if let rest = path.rest(after: "/v2/members/") {
        self = .members(rest)
      } else if let path = AuthPath(path) {
        self = .auth(path)
      } else if let rest = path.rest(after: "/debug/pprof/") {
        self = .debugging(.profile(rest))
      } else if let rest = path.rest(after: "/discovery/") {
        let token = rest.prefix { $0 != "/" }
        guard Self.isToken(token) else {
          self = .noDiscoveryToken
          return
        }
        self = .discovery(token: String(token), rest: String(rest[token.endIndex...]))
      } else {
        return nil
      }
    }
  }

  private static func isToken(_ text: Substring) -> Bool {
    text.utf8.count == 32
      && text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
      }
  }
}

extension String {
  /// Whether a path is `prefix` or lies below it; compares bytes, so that no accent after a slash can change the match.
  func isAtOrBelow(_ prefix: StaticString) -> Bool {
    prefix.withUTF8Buffer { expected in
      guard utf8.starts(with: expected) else { return false }
      let rest = utf8.dropFirst(expected.count)
      return rest.isEmpty || rest.first == UInt8(ascii: "/")
    }
  }

  /// What follows a prefix of bytes; nil when the text does not start with it.
  func rest(after prefix: StaticString) -> String? {
    prefix.withUTF8Buffer { expected in
      utf8.starts(with: expected) ? String(Substring(utf8.dropFirst(expected.count))) : nil
    }
  }

  /// The text with the characters that mean something to HTML as entities.
  var escapedForHTML: String {
    var text = ""
    for character in unicodeScalars {
      switch character {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&#34;"
      case "'": text += "&#39;"
      default: text.unicodeScalars.append(character)
      }
    }
    return text
  }
}
