// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Which machines can reach the store and be told what to do, and since when.
///
/// Units: seconds since boot, as in `/proc/uptime`.
final class Reach: Sendable {
  private let since: Mutex<[Int: Double]>

  init(hosts: some Sequence<Int>) {
    since = Mutex(Dictionary(hosts.map { ($0, 0) }) { first, _ in first })
  }

  /// Notes that machines are cut off, off, or stand still.
  func lose(_ hosts: some Sequence<Int>) {
    since.withLock { since in
      for host in hosts { since[host] = nil }
    }
  }

  /// Notes that machines are back; those that have not been away stay as they are.
  func regain(_ hosts: some Sequence<Int>) {
    let now = Self.now()
    since.withLock { since in
      for host in hosts where since[host] == nil { since[host] = now }
    }
  }

  /// By machine, since when it is in reach; others are not.
  var all: [Int: Double] { since.withLock { $0 } }

  static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
