// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// One watch of a client, from its registration to its end.
///
/// A watch that was resumed with `waitIndex` one above the last event is a watch of its own; together they must be
/// without gaps, which they are when each of them is.
public struct RecordedWatch: Sendable, Equatable {
  /// How a watch ended, as its client saw it.
  public enum End: Sendable, Equatable {
    /// It goes on.
    case open
    /// It ended without a word about events: one-shot and done, disconnected, closed by the member.
    case closed
    /// The member said that its history does not reach back to the wanted index (401).
    case cleared
  }

  /// Who watched.
  public var client: Int
  /// The member that was asked, and in which of its lives.
  public var member: String
  /// The watched key, clean.
  public var key: String
  /// Whether events below the key count too.
  public var recursive: Bool
  /// The first index of interest; nil means "from now on".
  public var waitIndex: EtcdIndex?
  /// Whether it goes on after its first event.
  public var stream: Bool
  /// The `X-Etcd-Index` that the member answered when the watch stood; nil while it has not.
  public var startedIndex: EtcdIndex?
  /// What came, in the order in which it came.
  public var events: [Event] = []
  /// How it ended.
  public var end = End.open

  /// Makes a watch that has not been answered yet.
  public init(
    client: Int,
    member: String,
    key: String,
    recursive: Bool,
    waitIndex: EtcdIndex? = nil,
    stream: Bool
  ) {
    self.client = client
    self.member = member
    self.key = key
    self.recursive = recursive
    self.waitIndex = waitIndex
    self.stream = stream
  }

  /// The first index whose event is due; nil when that is not known.
  public var firstIndex: EtcdIndex? {
    if let waitIndex, waitIndex > .zero { return waitIndex }
    return startedIndex?.next
  }

  /// Where to go on after it: one above the last event, or where it began.
  public var nextIndex: EtcdIndex? { events.last?.node.modifiedIndex.next ?? firstIndex }
}

extension RecordedWatch: CustomStringConvertible {
  /// One line for people.
  public var description: String {
    let kind = (stream ? "stream" : "watch") + (recursive ? " below" : "")
    let start = waitIndex.map { " from \($0)" } ?? ""
    return
      "c\(client) at \(member)  \(kind) \(key)\(start), stood at \(startedIndex.map(\.description) ?? "no index"), "
      + "\(events.count) events, \(end)"
  }
}
