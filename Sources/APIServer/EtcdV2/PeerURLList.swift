// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// The peer URLs in the body of a membership change.
///
/// Source: etcd v3.4 `pkg/types/urls.go` `NewURLs`.
enum PeerURLList {
  /// Why a list is none.
  struct Refusal: Error, Equatable {
    let message: String
  }

  /// Takes the URLs out of `{"peerURLs":[…]}` and checks their form.
  static func parse(_ body: JSONValue) throws(Refusal) -> [String] {
    guard let urls = body["peerURLs"]?.strings, !urls.isEmpty else { throw Refusal(message: "no valid URLs given") }
    for url in urls { try check(url) }
    return urls.sorted()
  }

  private static func check(_ url: String) throws(Refusal) {
    guard let scheme = ["http://", "https://"].first(where: url.hasPrefix) else {
      throw Refusal(message: "URL scheme must be http, https, unix, or unixs: \(url)")
    }
    let rest = url.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard let colon = authority.lastIndex(of: ":"), colon != authority.startIndex,
      UInt16(authority[authority.index(after: colon)...]) != nil
    else {
      throw Refusal(message: "URL address does not have the form \"host:port\": \(url)")
    }
    guard authority.endIndex == rest.endIndex else {
      throw Refusal(message: "URL must not contain a path: \(url)")
    }
  }
}
