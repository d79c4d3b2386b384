// SPDX-License-Identifier: Apache-2.0

/// How a refresh says in its form that it may be kept back: a word of ours, in whole milliseconds.
///
/// Differs: etcd has no such word and passes over it, as over every word it does not know; so one that is no number is
/// passed over here too.
public enum KeysPatience {
  /// The longest that a member keeps a refresh back, however patient it is.
  public static let longest = Duration.seconds(5)

  static let name = "coracle-patience"
  /// More is no patience but a mistake.
  private static let maximumMilliseconds = 60_000

  /// The word; nil when nothing is to be said.
  static func word(for patience: Duration) -> String? {
    let (seconds, attoseconds) = min(patience, .milliseconds(maximumMilliseconds)).components
    let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    return milliseconds > 0 ? String(milliseconds) : nil
  }

  /// How much longer than others a request may take, as its form says; for who passes it on to a member.
  ///
  /// - Returns: At most ``longest``; zero for requests that say nothing.
  public static func asked(inForm form: Substring) -> Duration {
    let words = form.split(separator: "&").filter { $0.hasPrefix(name + "=") }
    return min(duration(words.first.map { String($0.dropFirst(name.count + 1)) }), longest)
  }

  static func duration(_ word: String?) -> Duration {
    guard let word, let milliseconds = Int(word), (1...maximumMilliseconds).contains(milliseconds) else { return .zero }
    return .milliseconds(milliseconds)
  }
}
