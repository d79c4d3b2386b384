// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// The target of a request line, taken apart: what is routed, and what is left for the query parser.
///
/// Source: RFC 9112 section 3.2; specs §1.3, §1.4.
public struct RequestTarget: Sendable, Equatable {
  /// The percent-decoded path, starting with `/`.
  public let path: String
  /// The text after the first `?`, still encoded; empty when there is none.
  public let query: String

  /// Takes a target apart, in origin form (`/path?query`) or absolute form (`http://host/path?query`).
  ///
  /// Nil when the path holds a malformed escape, which is answered with 400 in plain text.
  public init?(_ target: String) {
    var target = target
    guard let parsed = target.withUTF8({ RequestTarget(bytes: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = parsed
  }

  /// Takes a target apart where its bytes lie.
  public init?(bytes: UnsafeRawBufferPointer) {
    let bytes = Self.withoutAuthority(bytes[...])
    let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
    guard let path = try? PercentCoding.decode(bytes[..<(mark ?? bytes.endIndex)], plusIsSpace: false) else {
      return nil
    }
    self.path = path.utf8.first == UInt8(ascii: "/") ? path : "/" + path
    query = mark.map { String(decoding: bytes[($0 + 1)...], as: UTF8.self) } ?? ""
  }

  /// Where to send a client whose path is not clean (301, before any routing); nil when it is.
  ///
  /// The path has `//`, `.` and `..` resolved, keeps one trailing slash and is encoded again; the query stays.
  public var redirect: String? {
    if NodeKey.isClean(path) { return nil }
    var cleaned = NodeKey.cleaned(path)
    if path.utf8.last == UInt8(ascii: "/") && cleaned != NodeKey.root { cleaned += "/" }
    if cleaned.utf8.elementsEqual(path.utf8) { return nil }
    return PercentCoding.encodedPath(cleaned) + (query.isEmpty ? "" : "?" + query)
  }

  /// The key below `/v2/keys`; nil when the path lies elsewhere.
  public var key: String? {
    let prefix = "/v2/keys"
    guard path.utf8.starts(with: prefix.utf8) else { return nil }
    let rest = path.utf8.dropFirst(prefix.utf8.count)
    if rest.isEmpty { return NodeKey.root }
    return rest.first == UInt8(ascii: "/") ? NodeKey.cleaned(String(Substring(rest))) : nil
  }

  /// Whether the query is a form that can be read.
  public var hasWellFormedQuery: Bool { (try? FormValues(query: query)) != nil }

  private static func withoutAuthority(_ target: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
    if target.first == UInt8(ascii: "/") { return target }
    for scheme in ["http://", "https://"] where target.starts(with: scheme.utf8) {
      let rest = target.dropFirst(scheme.utf8.count)
      return rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }.map { rest[$0...] }
        ?? rest.suffix(0)
    }
    return target
  }
}
