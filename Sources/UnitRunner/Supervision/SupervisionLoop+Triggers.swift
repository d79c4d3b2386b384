// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// Units that start others, as timers do.
extension SupervisionLoop {
  /// Tells units that the machine's clock was set, if it was.
  func noticeClock() {
    guard clockWatch >= 0, unit_clock_was_set(clockWatch) != 0 else { return }
    for name in units.keys.sorted() { stepPassive(name) { $0.clockChanged(at: $1) } }
  }

  /// Keeps a timer's stamp on disk.
  func keepStamp(_ stamp: Duration, of name: UnitName) {
    guard !timers.keep(stamp, of: name) else { return }
    say("\(name): cannot keep when it elapsed, which Persistent= needs: \(errorText(errno))", name)
  }
}
