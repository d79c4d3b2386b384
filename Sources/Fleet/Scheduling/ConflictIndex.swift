// SPDX-License-Identifier: Apache-2.0
import Units

/// Which patterns of `Conflicts=` keep which units away from which machines, counted machine by machine.
///
/// Two units exclude each other when either has a pattern that matches the other, so the index counts both ways round
/// for each pattern that any wanted unit has: on which machines units match it, and on which machines units have it.
struct ConflictIndex: Sendable {
  private struct Entry: Sendable {
    var pattern: NamePattern
    /// How many times wanted units have the pattern.
    var uses = 0
    /// Units that match, by machine.
    var matching: [String: Int] = [:]
    /// Units that have it, by machine.
    var holding: [String: Int] = [:]
  }

  /// By the text of the pattern.
  private var entries: [String: Entry] = [:]
  /// Patterns that more than one name may match, by what they start with.
  private var byPrefix: [String: Set<String>] = [:]
  /// How many different starts there are, by their length in bytes.
  private var prefixLengths: [Int: Int] = [:]
  /// The machines of each unit that is on any.
  private var hosts: [String: [String: Int]] = [:]

  /// Where a unit may not go.
  struct Barriers {
    fileprivate var counts: [[String: Int]] = []

    func keepAway(from machineID: String) -> Bool { counts.contains { $0[machineID] != nil } }

    /// Whether one reason alone keeps the unit from that many machines.
    func cover(_ machineCount: Int) -> Bool { counts.contains { $0.count >= machineCount } }
  }

  /// What keeps a unit that has no place away from machines.
  func barriers(to job: Job) -> Barriers {
    guard !entries.isEmpty else { return Barriers() }
    var barriers = Barriers()
    for pattern in job.requirements.conflicts {
      if let matching = entries[pattern.text]?.matching, !matching.isEmpty { barriers.counts.append(matching) }
    }
    for text in patterns(matching: job.name) {
      if let holding = entries[text]?.holding, !holding.isEmpty { barriers.counts.append(holding) }
    }
    return barriers
  }

  /// Takes note that a wanted unit has patterns.
  mutating func use(_ patterns: [NamePattern]) {
    for pattern in patterns {
      guard let prefix = pattern.literalPrefix else { continue }
      if entries[pattern.text] == nil {
        entries[pattern.text] = Entry(pattern: pattern, matching: matches(of: pattern, prefix))
        if !pattern.isPlainName { addWildcard(pattern.text, prefix) }
      }
      entries[pattern.text]?.uses += 1
    }
  }

  /// Takes note that a unit with patterns is wanted no more.
  mutating func release(_ patterns: [NamePattern]) {
    for pattern in patterns {
      entries[pattern.text]?.uses -= 1
      forgetIfUnused(pattern)
    }
  }

  /// Counts a unit on a machine, by 1 or −1.
  mutating func count(_ job: Job, on machineID: String, by difference: Int) {
    hosts[job.name, default: [:]].change(machineID, by: difference)
    if hosts[job.name]?.isEmpty ?? false { hosts[job.name] = nil }
    guard !entries.isEmpty else { return }
    for text in patterns(matching: job.name) { entries[text]?.matching.change(machineID, by: difference) }
    for pattern in job.requirements.conflicts {
      entries[pattern.text]?.holding.change(machineID, by: difference)
      forgetIfUnused(pattern)
    }
  }

  /// Counts those that are on machines already when a pattern comes up.
  private func matches(of pattern: NamePattern, _ prefix: String) -> [String: Int] {
    if pattern.isPlainName { return hosts[pattern.text] ?? [:] }
    var matching: [String: Int] = [:]
    for (name, machineIDs) in hosts where name.hasPrefix(prefix) && pattern.matches(name) {
      matching.merge(machineIDs) { $0 + $1 }
    }
    return matching
  }

  /// A pattern stays known while a unit on a machine has it, so that one that comes up is nobody's yet.
  private mutating func forgetIfUnused(_ pattern: NamePattern) {
    guard let entry = entries[pattern.text], entry.uses == 0, entry.holding.isEmpty else { return }
    entries[pattern.text] = nil
    if !pattern.isPlainName { removeWildcard(pattern.text, pattern.literalPrefix ?? "") }
  }

  private func patterns(matching name: String) -> [String] {
    var texts: [String] = []
    if let entry = entries[name], entry.pattern.isPlainName { texts.append(name) }
    for length in prefixLengths.keys {
      guard let prefix = String(name.utf8.prefix(length)), let candidates = byPrefix[prefix] else { continue }
      for text in candidates where entries[text]?.pattern.matches(name) ?? false { texts.append(text) }
    }
    return texts
  }

  private mutating func addWildcard(_ text: String, _ prefix: String) {
    if byPrefix[prefix, default: []].isEmpty { prefixLengths[prefix.utf8.count, default: 0] += 1 }
    byPrefix[prefix, default: []].insert(text)
  }

  private mutating func removeWildcard(_ text: String, _ prefix: String) {
    byPrefix[prefix]?.remove(text)
    guard byPrefix[prefix]?.isEmpty ?? false else { return }
    byPrefix[prefix] = nil
    prefixLengths[prefix.utf8.count, default: 0] -= 1
    if prefixLengths[prefix.utf8.count] == 0 { prefixLengths[prefix.utf8.count] = nil }
  }
}

extension [String: Int] {
  /// Changes a count; a count of nothing is left out.
  fileprivate mutating func change(_ key: String, by difference: Int) {
    let count = self[key, default: 0] + difference
    self[key] = count == 0 ? nil : count
  }
}
