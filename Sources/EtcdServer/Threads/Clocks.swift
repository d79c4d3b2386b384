// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import Glibc
import Synchronization

/// The two clocks of a member, read without allocation.
enum Clocks {
  /// Nanoseconds of a clock that never jumps, for ticks and deadlines.
  static func monotonicNanoseconds() -> Int64 { read(CLOCK_MONOTONIC) }

  /// The wall clock, for stamps and the seconds left in answers.
  static func wall() -> Timestamp {
    Timestamp(nanosecondsSinceEpoch: read(CLOCK_REALTIME) &+ (testOffset?.nanoseconds() ?? 0))
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Makes the wall clock wrong on purpose; nil unless a test asked for it.
  private static let testOffset = TestClockOffset.fromEnvironment()

  /// Lets a test make one member's clock jump: milliseconds to add to it, from a file that the environment names.
  ///
  /// `CORACLE_TEST_CLOCK_OFFSET_FILE` names it. It is read again at most every 50 ms; without it nothing is added.
  private final class TestClockOffset: Sendable {
    private static let pauseNanoseconds: Int64 = 50_000_000

    private let path: String
    private let state = Mutex<(nanoseconds: Int64, readAgainAt: Int64)>((0, 0))

    private init(path: String) {
      self.path = path
    }

    static func fromEnvironment() -> TestClockOffset? {
      guard let path = getenv("CORACLE_TEST_CLOCK_OFFSET_FILE") else { return nil }
      return TestClockOffset(path: String(cString: path))
    }

    func nanoseconds() -> Int64 {
      let now = Clocks.monotonicNanoseconds()
      return state.withLock { state in
        if now >= state.readAgainAt {
          state = (readFile(), now + Self.pauseNanoseconds)
        }
        return state.nanoseconds
      }
    }

    private func readFile() -> Int64 {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return 0 }
      defer { close(descriptor) }
      var text = [UInt8](repeating: 0, count: 32)
      let count = Glibc.read(descriptor, &text, text.count)
      let digits = text.prefix(max(0, count)).filter { $0 > UInt8(ascii: " ") }
      return (Int64(String(decoding: digits, as: UTF8.self)) ?? 0) &* 1_000_000
    }
  }
}
