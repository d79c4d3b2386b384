// SPDX-License-Identifier: Apache-2.0
import Raft

/// What entries of the log say about a member that nobody asked to add: at a cluster's beginning, and when a log is
/// rewritten to that of one member.
public enum MemberContext {
  /// The bytes of `ConfigurationChange.context` for a member with these peer URLs.
  public static func encoded(peerURLs: [String]) -> [UInt8] {
    MembershipContext(proposer: MemberID(0), request: RequestID(0), peerURLs: peerURLs.sorted()).encoded()
  }
}
