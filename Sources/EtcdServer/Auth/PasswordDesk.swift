// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Logging
import Synchronization
import Threads

/// Makes and verifies slow hashes, one after the other, on a thread that is only there while there is something to do.
///
/// Concurrency: all calls may be made from any thread and return at once; callbacks come at once or on that thread.
/// Invariant: at most ``maximumWaiting`` passwords wait; what does not fit is told so.
final class PasswordDesk: Sendable {
  static let maximumWaiting = 256

  private struct Job {
    var work: @Sendable () -> Void
    var refuse: @Sendable () -> Void
  }

  private struct State {
    var waiting: [Job] = []
    var hasThread = false
  }

  let known = VerifiedCredentials()
  private let state = Mutex(State())
  private let logger: Logger

  init(logger: Logger) {
    self.logger = logger
  }

  /// Hashes a new password; nil when that did not work out.
  func hash(_ password: String, roundsLog2: Int, _ answer: @escaping @Sendable ([UInt8]?) -> Void) {
    add(Job(work: { answer(try? PasswordHash.make(password, roundsLog2: roundsLog2)) }, refuse: { answer(nil) }))
  }

  /// Finds out whether a password is the user's.
  func verify(_ user: AuthUser, _ password: String, _ answer: @escaping @Sendable (AuthVerdict) -> Void) {
    if let isRight = known.verdict(user, password) { return answer(isRight ? .user(user) : .unknown) }
    let work: @Sendable () -> Void = { [known, logger] in
      // Of many that ask the same at once only the first pays.
      if let isRight = known.verdict(user, password) { return answer(isRight ? .user(user) : .unknown) }
      let isRight = PasswordHash.verify(password, user.passwordHash)
      known.note(user, password, isRight: isRight)
      if !isRight { logger.warning("wrong password", metadata: ["auth.user": "\(user.name)"]) }
      answer(isRight ? .user(user) : .unknown)
    }
    add(Job(work: work, refuse: { answer(.busy) }))
  }

  private func add(_ job: Job) {
    let (isTaken, needsThread) = state.withLock { state in
      guard state.waiting.count < Self.maximumWaiting else { return (false, false) }
      state.waiting.append(job)
      defer { state.hasThread = true }
      return (true, !state.hasThread)
    }
    guard isTaken else { return job.refuse() }
    guard needsThread else { return }
    do throws(DedicatedThread.Refused) {
      try DedicatedThread.start(name: "etcd-passwords") { [self] in work() }
    } catch {
      let waiting = state.withLock { state in
        defer { state = State() }
        return state.waiting
      }
      for job in waiting { job.refuse() }
    }
  }

  private func work() {
    while true {
      let job = state.withLock { state -> Job? in
        if state.waiting.isEmpty {
          state.hasThread = false
          return nil
        }
        return state.waiting.removeFirst()
      }
      guard let job else { return }
      job.work()
    }
  }
}
