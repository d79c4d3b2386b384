// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A bell that one thread sleeps by: a ring is remembered until the next wait, and many count as one.
///
/// Concurrency: ``ring()`` from any thread, ``wait(nanoseconds:)`` from one. `@unchecked Sendable`: `hasRung` is only
/// touched under `mutex`, and the memory of both POSIX objects stays where it is from `init` to `deinit`.
final class WakeUp: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var hasRung = false

  init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Wakes the sleeper, now or at its next wait.
  func ring() {
    pthread_mutex_lock(mutex)
    hasRung = true
    pthread_mutex_unlock(mutex)
    // Under the lock the sleeper would wake only to wait for it.
    pthread_cond_signal(condition)
  }

  /// Sleeps until a ring or until the time is over.
  func wait(nanoseconds: Int64) {
    let end = Clocks.monotonicNanoseconds() + max(0, nanoseconds)
    var deadline = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
    pthread_mutex_lock(mutex)
    while !hasRung, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
    hasRung = false
    pthread_mutex_unlock(mutex)
  }
}
