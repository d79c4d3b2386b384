// SPDX-License-Identifier: Apache-2.0
import Units

/// How the checks of announced services stand.
///
/// A service that has passed is good until ``ServiceCheck/retries`` checks in a row have failed; one that has not passed
/// yet is unknown until then.
struct CheckLedger: Sendable, Equatable {
  /// A service that is checked.
  struct Key: Sendable, Hashable {
    var unit: String
    var announcement: ServiceAnnouncement
  }

  private struct Standing: Equatable {
    var isGood: Bool?
    var failures = 0
  }

  private var standings: [Key: Standing] = [:]

  /// Whether a service is good; nil when that is not known yet.
  func isGood(_ key: Key) -> Bool? { standings[key]?.isGood }

  /// Forgets what is checked no more; a unit that comes up again is unknown again.
  mutating func keep(_ keys: Set<Key>) {
    standings = standings.filter { keys.contains($0.key) }
  }

  /// Takes in the result of a check; true when the service is not what it was.
  mutating func record(_ key: Key, passed: Bool) -> Bool {
    var standing = standings[key, default: Standing()]
    let before = standing.isGood
    standing.failures = passed ? 0 : standing.failures + 1
    if passed {
      standing.isGood = true
    } else if standing.failures >= key.announcement.check?.retries ?? 1 {
      standing.isGood = false
    }
    standings[key] = standing
    return standing.isGood != before
  }
}
