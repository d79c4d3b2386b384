// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What keeps this member from writing: a disk that fails, or one that does not answer.
///
/// Concurrency: the replica's thread tells, any thread asks.
final class StorageConcern: Sendable {
  /// A turn longer than this is a stall that health checks tell of.
  private static let stallNanoseconds: Int64 = 1_500_000_000
  /// A stall longer than this refuses writes at once: they would only wait until their time is over.
  private static let refusalNanoseconds: Int64 = 5_000_000_000

  private let isFailing = Atomic(false)
  private let text = Mutex<String>("")
  /// When the turn that is being taken began; 0 between turns.
  private let turnStart = Atomic<Int64>(0)
  private let clocks: MemberClocks

  init(clocks: MemberClocks) {
    self.clocks = clocks
  }

  // MARK: From the replica's thread

  /// The storage failed, with the reason.
  ///
  /// - Returns: Whether that is news.
  func failed(_ reason: String) -> Bool {
    let isOther = text.withLock { text in
      defer { text = reason }
      return text != reason
    }
    return !isFailing.exchange(true, ordering: .acquiringAndReleasing) || isOther
  }

  /// The storage works.
  func works() {
    if isFailing.load(ordering: .relaxed) { isFailing.store(false, ordering: .releasing) }
  }

  /// A turn begins, which may write.
  func turnBegan(at nanoseconds: Int64) {
    turnStart.store(nanoseconds, ordering: .releasing)
  }

  /// The turn is over.
  ///
  /// - Returns: How long it took.
  func turnEnded(at nanoseconds: Int64) -> Int64 {
    nanoseconds - turnStart.exchange(0, ordering: .acquiringAndReleasing)
  }

  // MARK: From any thread

  /// Why the storage fails; nil while it works.
  var failure: String? {
    guard isFailing.load(ordering: .acquiring) else { return nil }
    return "etcdserver: this member's disk fails: \(text.withLock { $0 })"
  }

  /// That the storage does not answer; nil while it does.
  var stall: String? { stall(longerThan: Self.stallNanoseconds) }

  /// Why a write is not worth waiting for; nil when it is.
  var refusal: String? { failure ?? stall(longerThan: Self.refusalNanoseconds) }

  /// Whether a turn has taken longer than this.
  func isStalled(at now: Int64, forNanoseconds limit: Int64) -> Bool {
    let start = turnStart.load(ordering: .acquiring)
    return start > 0 && now - start > limit
  }

  private func stall(longerThan limit: Int64) -> String? {
    let start = turnStart.load(ordering: .acquiring)
    guard start > 0 else { return nil }
    let waited = clocks.monotonicNanoseconds() - start
    guard waited > limit else { return nil }
    return "etcdserver: this member's disk has not answered for \(waited / 1_000_000_000) s"
  }
}

/// Finds out that turns take too long for a leader, whose heartbeats wait for them.
struct Slowness {
  /// Turns in a row that count as slow.
  private static let slowTurns = 3
  /// The least time between two hand-overs: when all disks are slow, leadership must not go round.
  private static let pauseNanoseconds: Int64 = 30_000_000_000

  private let electionNanoseconds: Int64
  private var slowCount = 0
  private var lastHandOver: Int64?
  private(set) var isHandOverDue = false

  init(electionMilliseconds: Int) {
    electionNanoseconds = Int64(electionMilliseconds) * 1_000_000
  }

  /// Takes note of how long a turn took.
  mutating func note(nanoseconds: Int64, at now: Int64) {
    guard nanoseconds >= electionNanoseconds / 2 else {
      // Turns without a write say nothing of the disk.
      if nanoseconds > 100_000 { slowCount = 0 }
      isHandOverDue = false
      return
    }
    slowCount += nanoseconds >= electionNanoseconds ? Self.slowTurns : 1
    let isTime = lastHandOver.map { now - $0 >= Self.pauseNanoseconds } ?? true
    isHandOverDue = slowCount >= Self.slowTurns && isTime
  }

  /// Leadership was offered to another member.
  mutating func handedOver(at now: Int64) {
    slowCount = 0
    lastHandOver = now
    isHandOverDue = false
  }
}
