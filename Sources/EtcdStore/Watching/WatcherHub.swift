// SPDX-License-Identifier: Apache-2.0

/// Names one watcher of a hub; the caller chooses ids and never uses one twice.
public struct WatcherID: Hashable, Comparable, Sendable {
  /// The id as a number.
  public var rawValue: UInt64

  /// Makes an id from its number.
  public init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Orders by number.
  public static func < (left: WatcherID, right: WatcherID) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// What a watcher waits for.
public struct Watch: Sendable, Equatable {
  /// The watched key, clean; it need not exist.
  public var key: String
  /// Whether events below the key count too.
  public var recursive: Bool
  /// First index of interest; nil means "from now on".
  public var waitIndex: EtcdIndex?
  /// Whether the watch goes on after its first event.
  public var stream: Bool

  /// Makes a watch.
  public init(key: String, recursive: Bool = false, waitIndex: EtcdIndex? = nil, stream: Bool = false) {
    self.key = key
    self.recursive = recursive
    self.waitIndex = waitIndex
    self.stream = stream
  }
}

/// What became of a registration.
public enum WatchRegistration: Sendable, Equatable {
  /// Deliver these events from the history, oldest first (none, or for a stream any number), then wait.
  case registered(history: [Event])
  /// Deliver this event from the history; the one-shot watch is over and the hub has forgotten it.
  case finished(Event)
  /// The history no longer reaches back to the wanted index (401); the hub has forgotten the watch.
  case failed(EtcdError)
}

/// An event for a watcher.
public struct WatcherMatch: Sendable, Equatable {
  /// Who gets it.
  public var watcher: WatcherID
  /// What it gets.
  public var event: Event
  /// Whether that ends the watch; the hub has forgotten it already.
  public var isLast: Bool

  /// Makes a match.
  public init(watcher: WatcherID, event: Event, isLast: Bool) {
    self.watcher = watcher
    self.event = event
    self.isLast = isLast
  }
}

/// Who watches what, without any delivery: ids go in, matches come out.
///
/// It stands beside the store, since watchers are this member's own: feed it every ``StoreChange`` in order, under the
/// same lock as the store, so that no event falls between a look into the history and the registration.
///
/// Shape: watchers are found by key, so a change costs one look-up for each element of its key and each removed node,
/// however many watchers wait elsewhere.
/// Source: etcd v2.3.8 `store/watcher_hub.go`; specs §11, with the sane reading of the quirks in §23: each watcher
/// gets an event once, streams go on after events from the history, and hiddenness counts in the history too.
public struct WatcherHub: Sendable {
  private var watches: [WatcherID: Watch] = [:]
  /// Ids in ascending order, by watched key.
  private var watchersByKey: [ByteString: [WatcherID]] = [:]

  /// Makes a hub without watchers.
  public init() {}

  /// How many watchers wait.
  public var count: Int { watches.count }

  /// Registers a watcher, or answers it from the history.
  ///
  /// - Parameters:
  ///   - id: A new id.
  ///   - watch: What to watch; its key is cleaned.
  ///   - store: The store whose changes feed this hub.
  /// - Returns: What to deliver now and whether the watcher waits.
  public mutating func register(_ id: WatcherID, _ watch: Watch, in store: Store) -> WatchRegistration {
    precondition(watches[id] == nil, "a watcher id is used once")
    var watch = watch
    watch.key = NodeKey.cleaned(watch.key)
    var found: [Event] = []
    if let start = watch.waitIndex, start > .zero {
      if let oldest = store.history.oldestIndex, start < oldest {
        let cause = "the requested history has been cleared [\(oldest)/\(start)]"
        return .failed(EtcdError(.eventIndexCleared, cause: cause, index: store.etcdIndex))
      }
      var index = start
      while let event = store.history.event(at: index) {
        index = index.next
        guard watch.matchesInHistory(event) else { continue }
        guard watch.stream else { return .finished(event) }
        found.append(event)
      }
    }
    watches[id] = watch
    watchersByKey[ByteString(watch.key), default: []].insertInOrder(id)
    return .registered(history: found)
  }

  /// Forgets a watcher; unknown ids are ignored, so that it may be called after a last match.
  public mutating func cancel(_ id: WatcherID) {
    guard let watch = watches.removeValue(forKey: id) else { return }
    let key = ByteString(watch.key)
    watchersByKey[key]?.removeInOrder(id)
    if watchersByKey[key]?.isEmpty == true { watchersByKey.removeValue(forKey: key) }
  }

  /// Finds the watchers of a change; one-shot watchers that match are forgotten.
  ///
  /// Watchers of the changed key come first, then those of its ancestors from the nearest up, then those of removed
  /// nodes; within one key the oldest id comes first. No watcher comes twice.
  public mutating func notify(_ change: StoreChange) -> [WatcherMatch] {
    let event = change.event
    guard !event.isRefresh, !watches.isEmpty else { return [] }
    var matches: [WatcherMatch] = []
    collect(event, at: event.node.key, into: &matches) { _ in true }
    var element = event.node.key
    // Once an element is hidden, it is so for every ancestor further up.
    while !NodeKey.isHidden(element), let parent = NodeKey.parent(of: element) {
      collect(event, at: parent, into: &matches) { $0.recursive }
      element = parent
    }
    for key in change.removedDescendants {
      collect(event, at: key, into: &matches) { _ in true }
    }
    forget(matches)
    return matches
  }

  /// Forgets the watchers whose match is their last: of each key all at once, since thousands may wait for one.
  private mutating func forget(_ matches: [WatcherMatch]) {
    var keys: Set<ByteString> = []
    for match in matches where match.isLast {
      if let watch = watches.removeValue(forKey: match.watcher) { keys.insert(ByteString(watch.key)) }
    }
    for key in keys {
      watchersByKey[key]?.removeAll { watches[$0] == nil }
      if watchersByKey[key]?.isEmpty == true { watchersByKey.removeValue(forKey: key) }
    }
  }

  private func collect(
    _ event: Event,
    at key: String,
    into matches: inout [WatcherMatch],
    where isConcerned: (Watch) -> Bool
  ) {
    for id in watchersByKey[ByteString(key)] ?? [] {
      guard let watch = watches[id], isConcerned(watch) else { continue }
      if let start = watch.waitIndex, event.etcdIndex < start { continue }
      matches.append(WatcherMatch(watcher: id, event: event, isLast: !watch.stream))
    }
  }
}

extension [WatcherID] {
  /// Inserts an id into ascending ones; new ids are the highest, so it mostly goes to the end.
  fileprivate mutating func insertInOrder(_ id: WatcherID) {
    insert(id, at: place(of: id))
  }

  fileprivate mutating func removeInOrder(_ id: WatcherID) {
    let place = place(of: id)
    if place < endIndex, self[place] == id { remove(at: place) }
  }

  /// The first place whose id is not lower.
  private func place(of id: WatcherID) -> Int {
    var (low, high) = (startIndex, endIndex)
    if let last, last < id { return high }
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
