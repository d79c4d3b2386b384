// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// Lets tokens go that nobody uses.
///
/// A token's directory has a time to live, which each registration starts anew; it is the store's, so that it outlives
/// restarts. A cluster that is complete keeps its token for good: the machines that boot later become its workers by it.
/// A directory without time to live was made by hand, and stays.
///
/// Source: specs/discovery.md §6. Differs: the public service kept every token for ever.
struct DiscoveryUpkeep {
  /// A week after the last registration.
  static let idleSeconds: UInt64 = 7 * 24 * 3_600

  let keys: any KeysAPI
  /// The token's directory.
  let directory: String

  /// The token's directory of a key that may be a member's; nil for other keys.
  static func directory(ofMember key: String) -> String? {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 5, key.hasPrefix(DiscoveryRoute.registryKey + "/"), !parts[3].isEmpty, !parts[4].hasPrefix("_")
    else { return nil }
    return parts.dropLast().joined(separator: "/")
  }

  /// Starts the time anew after a change of a member's key; what fails is made up for by the next.
  ///
  /// It is a refresh, which no watcher sees: to clients of discovery each event is a member.
  func start() {
    let (keys, directory) = (keys, directory)
    keys.perform(.read(key: directory, KeysRead())) { result in
      guard case .success(let members) = result, members.event.node.expiration != nil else { return }
      keys.perform(.read(key: "\(directory)/_config/size", KeysRead())) { result in
        guard case .success(let size) = result else { return }
        let summary = DiscoverySummary(directory: members.event.node, size: size.event.node.value)
        let ttl = summary.isComplete ? TTLChange.permanent : .seconds(Self.idleSeconds)
        keys.perform(.write(key: directory, .update(value: nil, ttl: ttl, refresh: true))) { _ in }
      }
    }
  }
}

/// What a token's directory says, for people.
struct DiscoverySummary: Equatable {
  /// One member.
  struct Member: Equatable {
    var id: String
    var name: String
    var urls: [String]
  }

  let token: String
  /// Members that the cluster is to have; nil when that is not known.
  let size: Int?
  /// The first to register first.
  let members: [Member]
  /// Seconds until the token goes away; nil when it stays.
  let secondsLeft: Int64?

  /// - Parameters:
  ///   - directory: The token's directory with its children.
  ///   - size: The text of `_config/size`.
  init(directory: NodeView, size: String?) {
    token = directory.key.split(separator: "/").last.map(String.init) ?? ""
    self.size = size.flatMap { Int($0) }
    secondsLeft = directory.ttlSeconds
    members = (directory.nodes ?? []).filter { !$0.isDirectory }
      .sorted { $0.createdIndex < $1.createdIndex }
      .map(Member.init)
  }

  var isComplete: Bool { size.map { members.count >= $0 } ?? false }

  /// A line about the token and one for each member.
  var text: String {
    var lines = ["token \(token): \(status)"]
    for (place, member) in members.enumerated() {
      let isLate = size.map { place >= $0 } ?? false
      lines.append(
        "  \(member.id)  \(member.name)  \(member.urls.joined(separator: ","))\(isLate ? "  (too late)" : "")"
      )
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private var status: String {
    guard let size else { return "\(members.count) members have registered; the size is not known" }
    if isComplete { return "complete, with \(size) of \(size) members; machines that boot now become workers" }
    let time = secondsLeft.map { "; it goes away in \(Self.text(ofSeconds: $0)) unless somebody registers" } ?? ""
    return "\(members.count) of \(size) members have registered\(time)"
  }

  private static func text(ofSeconds seconds: Int64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60)
    if days >= 2 { return "\(days) days" }
    if hours >= 2 { return "\(hours) hours" }
    return "\(minutes) minutes"
  }
}

extension DiscoverySummary.Member {
  /// Takes a key with its value `name=url[,name=url]`.
  fileprivate init(_ node: NodeView) {
    let parts = (node.value ?? "").split(separator: ",")
    id = node.key.split(separator: "/").last.map(String.init) ?? ""
    name = parts.first.map { String($0.prefix { $0 != "=" }) } ?? ""
    urls = parts.map { String($0.drop { $0 != "=" }.dropFirst()) }
  }
}
