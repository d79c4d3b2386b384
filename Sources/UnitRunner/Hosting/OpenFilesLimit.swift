// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// How many files and connections this process may have open.
public enum OpenFilesLimit {
  /// More than this is of no use to one node.
  private static let largest: UInt = 1 << 20

  /// The soft limit before it was raised, which units and their host get; 0 when it was not raised.
  static var initial: UInt { before.load(ordering: .relaxed) }

  private static let before = Atomic<UInt>(0)

  /// Raises the soft limit to the hard one.
  ///
  /// - Returns: The limit now.
  @discardableResult
  public static func raise() -> Int {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return 1_024 }
    let wanted = max(UInt(limit.rlim_cur), min(UInt(limit.rlim_max), largest))
    if wanted > UInt(limit.rlim_cur) {
      before.store(UInt(limit.rlim_cur), ordering: .relaxed)
      limit.rlim_cur = rlim_t(wanted)
      guard setrlimit(resource, &limit) == 0 else { return Int(before.load(ordering: .relaxed)) }
    }
    return Int(wanted)
  }
}
