// SPDX-License-Identifier: Apache-2.0

/// The way out to the other members.
public protocol PeerOutbox {
  /// Hands messages over, in order. Returns at once, and may drop any of them: Raft sends again what matters.
  ///
  /// A `.propose` message must not be delivered twice. Receivers unknown to the outbox are dropped silently: a member
  /// being added is addressed before the entry that names its URLs is committed.
  mutating func send(_ messages: [Message])
}
