// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// A refresh that may be kept back for a while, with whoever waits for its answer.
@_spi(Simulation)
public struct PatientRefresh<Waiter> {
  /// What is to be done.
  public var refresh: KeyRefresh
  /// When its patience is over, on the monotonic clock.
  public var dueNanoseconds: Int64
  /// Who is to be answered.
  public var waiter: Waiter

  /// Makes a refresh.
  public init(_ refresh: KeyRefresh, dueNanoseconds: Int64, waiter: Waiter) {
    self.refresh = refresh
    self.dueNanoseconds = dueNanoseconds
    self.waiter = waiter
  }
}

extension PatientRefresh: Sendable where Waiter: Sendable {}

/// Refreshes that are kept back until the first loses patience, or until they are as many as one entry of the log holds.
///
/// Who refreshes again some time after the answer, and has more patience than that time, finds itself together with all
/// others who do: those of an earlier batch ask again before the next one is closed. So a member writes once a round,
/// however many keys it refreshes.
@_spi(Simulation)
public struct GatheredRefreshes<Waiter> {
  /// The most bytes of keys in one batch; a batch is an entry of the log, which followers get in one message.
  static var maximumKeyBytes: Int { 256 << 10 }

  private var open: [PatientRefresh<Waiter>] = []
  private var openKeyBytes = 0
  private var openDueNanoseconds = Int64.max
  private var full: [[PatientRefresh<Waiter>]] = []

  /// Nothing is kept back.
  public init() {}

  /// Whether nothing is kept back.
  public var isEmpty: Bool { open.isEmpty && full.isEmpty }

  /// When the next batch is to be taken, on the monotonic clock; nil when nothing is kept back.
  public var dueNanoseconds: Int64? {
    if !full.isEmpty { return .min }
    return open.isEmpty ? nil : openDueNanoseconds
  }

  /// Keeps a refresh back.
  ///
  /// - Returns: Whether ``dueNanoseconds`` is earlier now.
  public mutating func add(_ refresh: PatientRefresh<Waiter>) -> Bool {
    let before = dueNanoseconds ?? .max
    let keyBytes = refresh.refresh.key.utf8.count
    if openKeyBytes + keyBytes > Self.maximumKeyBytes { close() }
    open.append(refresh)
    openKeyBytes += keyBytes
    openDueNanoseconds = min(openDueNanoseconds, refresh.dueNanoseconds)
    if open.count == KeyRefresh.maximumBatch { close() }
    return dueNanoseconds ?? .max < before
  }

  /// Takes out the batches that are due.
  public mutating func takeDue(at nanoseconds: Int64) -> [[PatientRefresh<Waiter>]] {
    if openDueNanoseconds <= nanoseconds { close() }
    defer { full = [] }
    return full
  }

  /// Takes everything out.
  public mutating func takeAll() -> [[PatientRefresh<Waiter>]] {
    takeDue(at: .max)
  }

  /// Takes out single ones.
  mutating func remove(where isMeant: (PatientRefresh<Waiter>) -> Bool) -> [PatientRefresh<Waiter>] {
    let all = full.joined() + open
    let removed = all.filter(isMeant)
    guard !removed.isEmpty else { return [] }
    self = GatheredRefreshes()
    for refresh in all where !isMeant(refresh) { _ = add(refresh) }
    return removed
  }

  private mutating func close() {
    if !open.isEmpty { full.append(open) }
    (open, openKeyBytes, openDueNanoseconds) = ([], 0, .max)
  }
}
