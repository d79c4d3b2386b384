// SPDX-License-Identifier: Apache-2.0
import Crypto
import FoundationEssentials

/// The hosts that a line of a known_hosts file is about.
///
/// Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
enum HostPattern: Equatable {
  /// Names with `*` and `?`; a host is meant that matches one of `wanted` and none of `excluded`.
  case names(wanted: [String], excluded: [String])
  /// A name that only its hash is kept of.
  case hashed(salt: [UInt8], hash: [UInt8])

  /// Nil when the text is no pattern.
  init?(_ text: some StringProtocol) {
    if text.hasPrefix("|") {
      let parts = text.split(separator: "|", omittingEmptySubsequences: false)
      guard parts.count == 4, parts[0].isEmpty, parts[1] == "1",
        let salt = Data(base64Encoded: String(parts[2])), let hash = Data(base64Encoded: String(parts[3])),
        hash.count == Insecure.SHA1.byteCount
      else { return nil }
      self = .hashed(salt: Array(salt), hash: Array(hash))
      return
    }
    let names = text.split(separator: ",").map { $0.lowercased() }
    guard !names.isEmpty else { return nil }
    self = .names(
      wanted: names.filter { !$0.hasPrefix("!") },
      excluded: names.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
    )
  }

  /// Whether a host is meant, by its name in such files.
  func matches(_ name: String) -> Bool {
    switch self {
    case .names(let wanted, let excluded):
      return wanted.contains { Self.glob($0, name) } && !excluded.contains { Self.glob($0, name) }
    case .hashed(let salt, let hash):
      let code = HMAC<Insecure.SHA1>.authenticationCode(for: Array(name.utf8), using: SymmetricKey(data: salt))
      return Array(code) == hash
    }
  }

  /// Whether a text is of a form with `*` for any characters and `?` for one.
  private static func glob(_ pattern: String, _ text: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let text = Array(text.utf8)
    var (place, position) = (0, 0)
    var retry: (place: Int, position: Int)?
    while position < text.count {
      if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
        place += 1
        retry = (place, position)
      } else if place < pattern.count, pattern[place] == UInt8(ascii: "?") || pattern[place] == text[position] {
        place += 1
        position += 1
      } else if let last = retry {
        place = last.place
        position = last.position + 1
        retry = (place, position)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
