// SPDX-License-Identifier: Apache-2.0

/// What a computer wants its new users to be like.
///
/// Source: login.defs(5), useradd(8).
struct AccountDefaults: Equatable {
  /// Ids of people.
  var userIDs: ClosedRange<UInt32>
  /// Ids of daemons.
  var systemUserIDs: ClosedRange<UInt32>
  /// Ids of people's groups.
  var groupIDs: ClosedRange<UInt32>
  /// Ids of daemons' groups.
  var systemGroupIDs: ClosedRange<UInt32>
  /// Days a password lasts: at least, at most, and how long before its end there are warnings.
  var passwordDays: [String]
  /// Permission bits of a new home directory.
  var homeMode: UInt32
  /// Where home directories are.
  var homes: String
  /// Login shell; nil when the computer has no opinion.
  var shell: String?
  /// The group of users who have none of their own.
  var sharedGroup: String

  /// - Parameters:
  ///   - loginDefinitions: `/etc/login.defs`; empty when there is none.
  ///   - newUsers: `/etc/default/useradd`; empty when there is none.
  init(loginDefinitions: String, newUsers: String) {
    let words = Self.settings(loginDefinitions) { $0 == " " || $0 == "\t" }
    func number(_ name: String, _ fallback: UInt32) -> UInt32 { words[name].flatMap(Self.number) ?? fallback }
    func range(_ name: String, _ low: UInt32, _ high: UInt32) -> ClosedRange<UInt32> {
      let (low, high) = (number("\(name)_MIN", low), number("\(name)_MAX", high))
      return low...max(low, high)
    }
    userIDs = range("UID", 1_000, 60_000)
    systemUserIDs = range("SYS_UID", 101, max(101, userIDs.lowerBound &- 1))
    groupIDs = range("GID", 1_000, 60_000)
    systemGroupIDs = range("SYS_GID", 101, max(101, groupIDs.lowerBound &- 1))
    passwordDays = [("PASS_MIN_DAYS", "0"), ("PASS_MAX_DAYS", "99999"), ("PASS_WARN_AGE", "7")].map {
      words[$0.0].flatMap { Int($0) }.map(String.init) ?? $0.1
    }
    homeMode = number("HOME_MODE", 0o777 & ~number("UMASK", 0o022)) & 0o7777
    let defaults = Self.settings(newUsers) { $0 == "=" }
    homes = defaults["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/home"
    shell = defaults["SHELL"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    sharedGroup = defaults["GROUP"].flatMap { $0.isEmpty ? nil : $0 } ?? "100"
  }

  private static func settings(_ text: String, separator: (Character) -> Bool) -> [String: String] {
    var found: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(maxSplits: 1, whereSeparator: separator)
      guard parts.count == 2 else { continue }
      let value = parts[1].drop { $0 == " " || $0 == "\t" }
      found[String(parts[0])] = String(value.prefix { $0 != " " && $0 != "\t" })
    }
    return found
  }

  /// As C reads numbers: with 0 in front they are octal, with 0x hexadecimal.
  private static func number(_ text: String) -> UInt32? {
    if text.hasPrefix("0x") { return UInt32(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0"), text.count > 1 { return UInt32(text.dropFirst(), radix: 8) }
    return UInt32(text)
  }
}
