// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// A line that a unit wrote as it started or stopped.
struct UnitLine: Sendable {
  var seconds: Double
  var verb: String
  var unit: String
  var host: Int
}

/// Watches the units' processes, on a thread of its own, and finds units that run twice.
///
/// A unit may run on two machines while one of them is out of reach, and for a while after it has come back.
final class UnitWatch: Sendable {
  /// How long a unit may run on two machines that can both be told; the same for which the simulator allows it.
  static let boundSeconds = 6.0
  /// How long two processes of a unit may be seen on one machine.
  private static let sameMachineSeconds = 1.0
  private static let pauseMilliseconds: Int32 = 100

  private struct State {
    var firstSeen: [UnitProcess: Double] = [:]
    var longestPairSeconds = 0.0
    var violations: [String: String] = [:]
    var isEnding = false
    var hasEnded = false
  }

  private let set: UnitSet
  private let hosts: [String: Int]
  private let globals: Set<String>
  private let reach: Reach
  private let state = Mutex(State())

  init(set: UnitSet, hosts: [String: Int], reach: Reach) {
    self.set = set
    self.hosts = hosts
    self.reach = reach
    globals = Set(set.units.filter { $0.kind == .global }.map(\.name))
  }

  /// Begins to watch.
  func start() {
    let thread = Thread { [self] in
      var scan = ProcessScan(mark: set.program, hosts: hosts)
      while !state.withLock({ $0.isEnding }) {
        note(scan.look())
        StoreConnection.pause(milliseconds: Self.pauseMilliseconds)
      }
      state.withLock { $0.hasEnded = true }
    }
    thread.start()
  }

  /// Asks the thread to end.
  func stop() {
    state.withLock { $0.isEnding = true }
  }

  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  /// The processes of units that run now.
  func processes() -> Set<UnitProcess> {
    var scan = ProcessScan(mark: set.program, hosts: hosts)
    return scan.look()
  }

  /// Forgets what was found, for the next run.
  func reset() {
    state.withLock { state in
      state.longestPairSeconds = 0
      state.violations = [:]
    }
  }

  /// What was found since the last reset.
  var findings: (violations: [String], longestPairSeconds: Double) {
    state.withLock { ($0.violations.values.sorted(), $0.longestPairSeconds) }
  }

  /// What units wrote after a moment.
  func lines(after seconds: Double) -> [UnitLine] {
    let text = (try? String(contentsOf: set.startsFile, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 5, let at = Double(words[0]), at > seconds, let host = hosts[String(words[3])] else {
        return nil
      }
      return UnitLine(seconds: at, verb: String(words[1]), unit: String(words[2]), host: host)
    }
  }

  private func note(_ processes: Set<UnitProcess>) {
    let now = Reach.now()
    let inReach = reach.all
    state.withLock { state in
      state.firstSeen = state.firstSeen.filter { processes.contains($0.key) }
      for process in processes where state.firstSeen[process] == nil { state.firstSeen[process] = now }
      for (unit, same) in Dictionary(grouping: processes, by: \.unit) where same.count > 1 {
        let sorted = same.sorted { ($0.host, $0.processID) < ($1.host, $1.processID) }
        for (place, first) in sorted.enumerated() {
          for second in sorted[(place + 1)...] { judge(unit, first, second, inReach, now, &state) }
        }
      }
    }
  }

  private func judge(
    _ unit: String,
    _ first: UnitProcess,
    _ second: UnitProcess,
    _ inReach: [Int: Double],
    _ now: Double,
    _ state: inout State
  ) {
    let both = max(state.firstSeen[first] ?? now, state.firstSeen[second] ?? now)
    if first.host == second.host {
      guard now - both > Self.sameMachineSeconds else { return }
      state.violations["\(unit) \(first.host)"] = "\(unit) runs twice on machine \(first.host)"
      return
    }
    guard !globals.contains(unit), let one = inReach[first.host], let other = inReach[second.host] else { return }
    let seconds = now - max(both, one, other)
    state.longestPairSeconds = max(state.longestPairSeconds, seconds)
    guard seconds > Self.boundSeconds else { return }
    state.violations["\(unit) \(first.host) \(second.host)"] =
      "\(unit) ran on machines \(first.host) and \(second.host) for \(String(format: "%.1f", seconds)) s, both in reach"
  }
}
