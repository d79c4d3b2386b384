// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// What processes write, and what is said about them, on its way to the journal.
extension HostLoop {
  func readOutput(_ descriptor: Int32) {
    guard var output = outputs[descriptor] else { return }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    var lines = count > 0 ? output.splitter.take(buffer[..<count]) : []
    let isAtEnd = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)
    if isAtEnd, let last = output.splitter.finish() { lines.append(last) }
    journal.append(drafts(of: lines, output), to: output.unit)
    if isAtEnd {
      poller.remove(descriptor)
      close(descriptor)
      outputs[descriptor] = nil
    } else {
      outputs[descriptor] = output
    }
  }

  private func drafts(of lines: [[UInt8]], _ output: TrackedOutput) -> [JournalDraft] {
    let now = epochMicroseconds()
    var drafts: [JournalDraft] = []
    for line in lines {
      guard let (level, text) = output.rule.kept(line) else { continue }
      if let limit = output.rule.rateLimit {
        let verdict = lineCounts[output.unit, default: LineRateLimit.Count()].add(under: limit, atMicroseconds: now)
        if verdict.suppressedBefore > 0 {
          let told = "Suppressed \(verdict.suppressedBefore) messages from \(output.unit)"
          drafts.append(JournalDraft(saying: told, atMicroseconds: now, level: 4, invocation: output.invocation))
        }
        guard verdict.isKept else { continue }
      }
      drafts.append(
        JournalDraft(
          epochMicroseconds: now,
          level: level,
          processID: output.processID,
          invocation: output.invocation,
          identifier: output.source,
          message: text
        )
      )
    }
    return drafts
  }

  func sayOnce(_ text: String, _ unit: String) {
    if told[unit, default: []].insert(text).inserted { say(text, unit) }
  }

  func say(_ text: String, _ unit: String) {
    journal.append([JournalDraft(saying: text, atMicroseconds: epochMicroseconds())], to: unit)
  }
}
