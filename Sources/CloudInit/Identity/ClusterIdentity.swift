// SPDX-License-Identifier: Apache-2.0
public import CloudConfig
import Crypto

/// The id of a member: the first eight bytes of a SHA-1 over its peer URLs and the cluster's token.
public struct MemberID: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The id as a number.
  public var rawValue: UInt64

  /// Makes an id from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Makes the id that a member of a new cluster has, without a time part.
  ///
  /// Source: specs/discovery.md §2.3; etcd v2.3.8 `etcdserver/member.go`.
  public init(peerURLs: [EndpointURL], clusterToken: String) {
    let text = peerURLs.map(\.text).sorted().joined() + clusterToken
    rawValue = leadingBigEndian(of: Insecure.SHA1.hash(data: Array(text.utf8)))
  }

  /// Makes an id from its hexadecimal form.
  public init?(hexadecimal: some StringProtocol) {
    guard let value = UInt64(hexadecimal, radix: 16) else { return nil }
    rawValue = value
  }

  /// Lower-case hexadecimal without leading zeros, as keys and listings show it.
  public var description: String { String(rawValue, radix: 16) }

  /// Orders by number.
  public static func < (left: MemberID, right: MemberID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The id of a cluster: the first eight bytes of a SHA-1 over the sorted ids of its first members.
public struct ClusterID: Hashable, Sendable, CustomStringConvertible {
  /// The id as a number.
  public var rawValue: UInt64

  /// Makes an id from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Makes the id of a new cluster.
  ///
  /// Source: specs/etcd-v2.md §15; etcd v2.3.8 `etcdserver/cluster.go`.
  public init(members: [MemberID]) {
    var bytes: [UInt8] = []
    for member in members.sorted() {
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: member.rawValue >> shift))
      }
    }
    rawValue = leadingBigEndian(of: Insecure.SHA1.hash(data: bytes))
  }

  /// Makes an id from its hexadecimal form.
  public init?(hexadecimal: some StringProtocol) {
    guard let value = UInt64(hexadecimal, radix: 16) else { return nil }
    rawValue = value
  }

  /// Lower-case hexadecimal without leading zeros.
  public var description: String { String(rawValue, radix: 16) }
}

/// The first eight bytes of a digest as one number, most significant first.
private func leadingBigEndian(of digest: Insecure.SHA1.Digest) -> UInt64 {
  digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
}
