// SPDX-License-Identifier: Apache-2.0
import Testing

/// What the replay of a section found: how much was replayed, what differs, and why that is meant.
final class ReplayReport {
  private let section: String
  private let accepted: [String: String]
  private var unexplained: [String] = []
  private var explained: [String] = []
  private var differing: Set<String> = []
  private(set) var count = 0

  /// Begins a report.
  ///
  /// - Parameters:
  ///   - section: What is replayed, for the report.
  ///   - accepted: Reasons for the differences that are meant, by the name of the exchange.
  init(_ section: String, accepted: [String: String]) {
    self.section = section
    self.accepted = accepted
  }

  /// Takes one recorded exchange with what happened here.
  ///
  /// - Parameters:
  ///   - name: The exchange's name.
  ///   - preciseName: The same with what tells it from others of its name, looked up first.
  ///   - ours: What happened, as far as it is compared.
  ///   - recorded: What was recorded, in the same form.
  func compare(_ name: String, preciseName: String? = nil, ours: String, recorded: String) {
    count += 1
    guard ours != recorded else { return }
    let keys = [preciseName, name].compactMap { $0 }
    guard let key = keys.first(where: { accepted[$0] != nil }), let reason = accepted[key] else {
      unexplained.append("\(name)\n  coracle:  \(ours)\n  recorded: \(recorded)")
      return
    }
    differing.insert(key)
    explained.append("\(key): \(reason)")
  }

  /// Fails for each difference without a reason and each reason without a difference, and prints the others.
  func finish(atLeast least: Int, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(unexplained.isEmpty, "\(unexplained.joined(separator: "\n"))", sourceLocation: sourceLocation)
    let idle = accepted.keys.filter { !differing.contains($0) }.sorted()
    #expect(idle.isEmpty, "no longer different: \(idle.joined(separator: "; "))", sourceLocation: sourceLocation)
    #expect(count >= least, "\(section)", sourceLocation: sourceLocation)
    print("\(section): \(count) recorded exchanges replayed, \(explained.count) differences accepted")
    for line in explained { print("  \(line)") }
  }
}
