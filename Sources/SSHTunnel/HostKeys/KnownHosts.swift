// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials

/// The host keys that a known_hosts file tells of, and what they say of a key that a server shows.
///
/// Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Differs: lines of certificate authorities are passed over, since the
/// library knows no host certificates.
struct KnownHosts {
  /// What is known of a key.
  enum Verdict: Equatable {
    /// The file has it, on this line.
    case known(line: Int)
    /// The file has another key of the same type for this host, on this line.
    case changed(line: Int)
    /// The file says that this key must no longer be trusted, on this line.
    case revoked(line: Int)
    /// The file has nothing for this host, or only keys of other types, on these lines.
    case unknown(otherTypes: [Int])
  }

  private struct Entry {
    var line: Int
    var isRevocation: Bool
    var hosts: HostPattern
    var key: HostKey
  }

  private var entries: [Entry] = []
  /// Lines that are neither entries nor comments.
  private(set) var unreadableLines: [Int] = []

  /// Reads the text of a file.
  init(_ text: String) {
    for (offset, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      read(line, number: offset + 1)
    }
  }

  private mutating func read(_ line: Substring, number: Int) {
    var words = line.split(whereSeparator: \.isWhitespace)
    guard let first = words.first, !first.hasPrefix("#") else { return }
    var isRevocation = false
    if first.hasPrefix("@") {
      words.removeFirst()
      if first == "@cert-authority" { return }
      isRevocation = first == "@revoked"
      guard isRevocation else { return unreadableLines.append(number) }
    }
    guard words.count >= 3, let hosts = HostPattern(words[0]), let blob = Data(base64Encoded: String(words[2])),
      let key = HostKey(blob: Array(blob)), key.type == words[1]
    else { return unreadableLines.append(number) }
    entries.append(Entry(line: number, isRevocation: isRevocation, hosts: hosts, key: key))
  }

  /// Judges the key that a server shows.
  func verdict(on key: HostKey, of address: SSHAddress) -> Verdict {
    let name = address.knownHostsName
    let matching = entries.filter { $0.hosts.matches(name) }
    if let revocation = matching.first(where: { $0.isRevocation && $0.key == key }) {
      return .revoked(line: revocation.line)
    }
    let trusted = matching.filter { !$0.isRevocation }
    if let same = trusted.first(where: { $0.key == key }) { return .known(line: same.line) }
    if let other = trusted.first(where: { $0.key.type == key.type }) { return .changed(line: other.line) }
    return .unknown(otherTypes: trusted.map(\.line))
  }

  /// The types of the keys that are known of a host, in the order of the file.
  func keyTypes(of address: SSHAddress) -> [String] {
    let name = address.knownHostsName
    var types: [String] = []
    for entry in entries where !entry.isRevocation && !types.contains(entry.key.type) && entry.hosts.matches(name) {
      types.append(entry.key.type)
    }
    return types
  }
}
