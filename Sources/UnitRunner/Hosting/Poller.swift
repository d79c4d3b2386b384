// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc

/// Waits for many descriptors at once.
///
/// Concurrency: used by one thread.
final class Poller {
  private var entries: [pollfd] = []
  private var childSignals: Int32 = -1
  /// Descriptors that are not looked at before a moment since the machine's boot.
  private var pauses: [Int32: Duration] = [:]

  deinit {
    if childSignals >= 0 { close(childSignals) }
  }

  /// Waits for a descriptor to be readable from now on.
  func add(_ descriptor: Int32) {
    entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
  }

  /// Waits for a descriptor to be writable too, or no longer.
  func setWriting(_ descriptor: Int32, _ isOn: Bool) {
    guard let index = entries.firstIndex(where: { $0.fd == descriptor }) else { return }
    entries[index].events = Int16(isOn ? POLLIN | POLLOUT : POLLIN)
  }

  /// Forgets a descriptor, which is to be closed afterwards.
  func remove(_ descriptor: Int32) {
    entries.removeAll { $0.fd == descriptor || $0.fd == ~descriptor }
    pauses[descriptor] = nil
  }

  /// Does not look at a descriptor for a while: what it is ready for cannot be done now.
  func pause(_ descriptor: Int32, for duration: Duration) {
    guard let index = entries.firstIndex(where: { $0.fd == descriptor }) else { return }
    // poll(2) passes over negative ones.
    entries[index].fd = ~descriptor
    pauses[descriptor] = timeSinceBoot() + duration
  }

  /// Wakes when a child of this process ends; blocks the signal for this thread.
  func addChildSignals() {
    childSignals = unit_child_signals()
    if childSignals >= 0 { add(childSignals) }
  }

  /// Waits for descriptors that are ready, at most `timeout`; nil waits without end.
  func wait(timeout: Duration?) -> [Int32] {
    let count = poll(&entries, nfds_t(entries.count), Self.milliseconds(endPauses(timeout)))
    guard count > 0 else { return [] }
    let ready = entries.filter { $0.revents != 0 }.map(\.fd)
    if childSignals >= 0, ready.contains(childSignals) {
      var drain = [UInt8](repeating: 0, count: 4096)
      _ = drain.withUnsafeMutableBytes { read(childSignals, $0.baseAddress, $0.count) }
    }
    return ready.filter { $0 != childSignals }
  }

  /// Looks again at what was paused for long enough; returns how long to wait so that no pause is longer.
  private func endPauses(_ timeout: Duration?) -> Duration? {
    guard !pauses.isEmpty else { return timeout }
    let now = timeSinceBoot()
    for (descriptor, end) in pauses where end <= now {
      pauses[descriptor] = nil
      if let index = entries.firstIndex(where: { $0.fd == ~descriptor }) { entries[index].fd = descriptor }
    }
    return ([timeout] + pauses.values.map { $0 - now }).compactMap { $0 }.min()
  }

  /// Whole milliseconds, rounded up so that a wait never ends early; -1 for nil.
  static func milliseconds(_ duration: Duration?) -> Int32 {
    guard let duration else { return -1 }
    guard duration > .zero else { return 0 }
    let (seconds, attoseconds) = duration.components
    guard seconds < 86_400 else { return 86_400_000 }
    return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
