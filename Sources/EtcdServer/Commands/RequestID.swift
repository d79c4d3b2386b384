// SPDX-License-Identifier: Apache-2.0

/// Names one proposal, unique among all proposals of a member, restarts included: the first is the wall clock in
/// nanoseconds at the start.
struct RequestID: Hashable, Sendable {
  var rawValue: UInt64

  init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }
}
