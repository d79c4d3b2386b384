// SPDX-License-Identifier: Apache-2.0

import ClusterSim

/// What a run of either simulation came to, as far as the command tells of it.
struct SeedReport: Sendable {
  var seed: UInt64
  var violation: Violation?
  var window: [String] = []
  var digest: UInt64
  var trace: [String]
  var committedEntries: UInt64
  var operations = 0
  var watchedEvents = 0
  var undecidedKeys = 0

  /// Runs one seed.
  init(_ seed: UInt64, ofStore isStore: Bool, breaking rule: String?, keepsTrace: Bool = false) {
    self.seed = seed
    if isStore {
      let outcome = StoreSimulation(seed: seed, breaking: rule).run(keepsTrace: keepsTrace)
      (violation, window, digest, trace) = (outcome.violation, outcome.window, outcome.traceDigest, outcome.trace)
      (committedEntries, operations) = (outcome.committedEntries, outcome.operations)
      (watchedEvents, undecidedKeys) = (outcome.watchedEvents, outcome.undecidedKeys.count)
    } else {
      let outcome = Simulation(seed: seed, breaking: rule).run(keepsTrace: keepsTrace)
      (violation, digest, trace) = (outcome.violation, outcome.traceDigest, outcome.trace)
      committedEntries = outcome.committedEntries
    }
  }

  /// One line of sums.
  var summary: String {
    var text = "\(committedEntries) entries committed"
    if operations > 0 { text += ", \(operations) requests, \(watchedEvents) events watched" }
    if undecidedKeys > 0 { text += ", \(undecidedKeys) keys undecided" }
    return text
  }
}

/// A range of seeds that some workers go through together, in order.
actor SeedRange {
  private var next: UInt64
  private let end: UInt64
  private(set) var total: SeedReport?
  private(set) var violated: SeedReport?
  /// Digests by seed, as they come.
  private(set) var digests: [(seed: UInt64, digest: UInt64)] = []

  init(_ range: Range<UInt64>) {
    next = range.lowerBound
    end = range.upperBound
  }

  /// The next seed; nil when all are taken, or one has failed.
  func take() -> UInt64? {
    guard next < end, violated == nil else { return nil }
    defer { next += 1 }
    return next
  }

  /// Takes a report over; of violations that of the lowest seed stays.
  func add(_ report: SeedReport) {
    digests.append((report.seed, report.digest))
    if report.violation != nil, report.seed < violated?.seed ?? .max { violated = report }
    guard var sum = total else {
      total = report
      return
    }
    sum.committedEntries += report.committedEntries
    sum.operations += report.operations
    sum.watchedEvents += report.watchedEvents
    sum.undecidedKeys += report.undecidedKeys
    total = sum
  }
}
