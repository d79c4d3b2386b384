// SPDX-License-Identifier: Apache-2.0
import CloudConfig
import CloudInit

/// What a backup says about itself.
public struct BackupDescription: Sendable, Equatable {
  /// The cluster it was taken from.
  public var sourceCluster: UInt64
  /// The member it was taken from.
  public var sourceMember: UInt64
  /// The cluster that its log has now.
  public var cluster: UInt64
  /// The member that its log has now.
  public var member: UInt64
  /// The member's name.
  public var name: String
  /// Where other members reach it.
  public var peerURLs: [String]
  /// The size of the log, in bytes.
  public var sizeBytes: UInt64 = 0

  private static let header = "coracle backup 1"

  init(
    sourceCluster: UInt64,
    sourceMember: UInt64,
    cluster: UInt64,
    member: UInt64,
    name: String,
    peerURLs: [String]
  ) {
    self.sourceCluster = sourceCluster
    self.sourceMember = sourceMember
    self.cluster = cluster
    self.member = member
    self.name = name
    self.peerURLs = peerURLs
  }

  /// The file form: a line for what it is, then one for each fact.
  var text: String {
    func hex(_ number: UInt64) -> String { String(number, radix: 16) }
    return """
      \(Self.header)
      from \(hex(sourceCluster)) \(hex(sourceMember))
      ids \(hex(cluster)) \(hex(member))
      peer \(peerURLs.joined(separator: ",")) \(name)

      """
  }

  init?(parsing text: String) {
    let lines = text.split(separator: "\n")
    guard lines.count == 4, lines[0] == Self.header, let from = Self.numbers("from", lines[1]),
      let ids = Self.numbers("ids", lines[2])
    else { return nil }
    let peer = lines[3].split(separator: " ", maxSplits: 2).map(String.init)
    guard peer.count == 3, peer[0] == "peer" else { return nil }
    self.init(
      sourceCluster: from.0,
      sourceMember: from.1,
      cluster: ids.0,
      member: ids.1,
      name: peer[2],
      peerURLs: peer[1].split(separator: ",").map(String.init)
    )
  }

  private static func numbers(_ name: String, _ line: Substring) -> (UInt64, UInt64)? {
    let words = line.split(separator: " ")
    guard words.count == 3, words[0] == name, let first = UInt64(words[1], radix: 16),
      let second = UInt64(words[2], radix: 16)
    else { return nil }
    return (first, second)
  }

  /// The membership of a node that starts with it.
  func membership() throws -> MembershipRecord {
    let urls = try peerURLs.map { url in
      do {
        return try EndpointURL(parsing: url)
      } catch {
        throw NodeError("\"\(url)\" is no peer URL: \(error)")
      }
    }
    guard !urls.isEmpty else { throw NodeError("a member needs a peer URL") }
    return .member(
      ClusterMembership(
        alone: CloudInit.MemberID(member),
        name: name,
        peerURLs: urls,
        clusterID: CloudInit.ClusterID(cluster)
      )
    )
  }
}
