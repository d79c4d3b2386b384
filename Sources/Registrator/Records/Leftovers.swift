// SPDX-License-Identifier: Apache-2.0

/// Records that carry a machine's host name though nothing there stands for them: what a registrator without a ledger
/// left behind, such as the one this one replaces.
///
/// Source: registrator's `-cleanup`, which its etcd backends never carried out; specs/registrator.md §5, §7.
struct Leftovers {
  /// The host name that ids begin with.
  var hostName: String
  /// Keys that somebody answers for: this machine's, and those in the ledgers of others.
  var owned: Set<String>

  /// The keys to be removed, in order.
  func keys(among keys: some Sequence<String>) -> [String] {
    keys.filter { key in
      guard !owned.contains(key), let id = key.split(separator: "/").last else { return false }
      return Self.host(ofID: id) == hostName
    }.sorted()
  }

  /// The host in `<host>:<container>:<port>[:udp]`; nil for ids of other shapes.
  ///
  /// Shape: `^(.+?):([a-zA-Z0-9][a-zA-Z0-9_.-]+):[0-9]+(?::udp)?$`.
  static func host(ofID id: Substring) -> String? {
    var parts = id.split(separator: ":", omittingEmptySubsequences: false)
    if parts.last == "udp" { parts.removeLast() }
    guard parts.count >= 3, let port = parts.popLast(), !port.isEmpty,
      port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let container = parts.popLast(), container.utf8.count >= 2, let first = container.utf8.first,
      isAlphanumeric(first), container.utf8.allSatisfy({ isAlphanumeric($0) || "_.-".utf8.contains($0) })
    else { return nil }
    let host = parts.joined(separator: ":")
    return host.isEmpty ? nil : host
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
}
