// SPDX-License-Identifier: Apache-2.0

/// An image's name split into what the engine's pull wants.
///
/// Shape: `[REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]`; a colon belongs to a tag only after the last slash.
public struct ImageReference: Sendable, Equatable, CustomStringConvertible {
  /// Everything before tag and digest.
  public var repository: String
  /// The tag; nil when none was written.
  public var tag: String?
  /// The digest with its algorithm, `sha256:…`; nil when none was written.
  public var digest: String?

  /// Splits a name; nil when it has no repository.
  public init?(_ text: String) {
    var rest = Substring(text)
    if let at = rest.firstIndex(of: "@") {
      digest = String(rest[rest.index(after: at)...])
      rest = rest[..<at]
    }
    let lastSlash = rest.lastIndex(of: "/") ?? rest.startIndex
    if let colon = rest[lastSlash...].lastIndex(of: ":") {
      tag = String(rest[rest.index(after: colon)...])
      rest = rest[..<colon]
    }
    guard !rest.isEmpty, tag != "", digest != "" else { return nil }
    repository = String(rest)
  }

  /// The name as it was written.
  public var description: String {
    repository + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0 } ?? "")
  }
}
