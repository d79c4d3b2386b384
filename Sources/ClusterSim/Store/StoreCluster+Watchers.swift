// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import EtcdServer
import EtcdStore
import EtcdWire
import Histories
@_spi(Simulation) import Raft

/// A client that watches, and after each end goes on where it was, at whatever member.
struct StoreWatcher {
  var number: Int
  /// The watch under way, by its position in the history.
  var watch: Int?
  /// Ends it at its member.
  var cancellation: (member: String, cancel: () -> Void)?
  /// When it watches again.
  var nextTime = 0
  /// Where it goes on; nil begins with what comes next.
  var nextIndex: EtcdIndex?
}

extension StoreCluster {
  /// What the watchers watch, by their number.
  private static let watched: [(key: String, recursive: Bool, stream: Bool)] = [
    ("/", true, true), ("/d", true, true), ("/a", false, false), ("/t", true, true),
  ]

  func runWatcher(_ position: Int, at candidates: [StoreMember]) {
    if watchers[position].watch != nil {
      if random.chance(3_000, perMillion: ()) { hangUp(position) }
      return
    }
    guard watchers[position].nextTime <= time, !candidates.isEmpty else { return }
    beginWatch(position, at: random.pick(candidates))
  }

  /// Leaves a member that does not belong to the cluster any more, since nothing will come from there.
  func leaveStranger(_ position: Int, _ belonging: [MemberID]) {
    guard let watch = watchers[position].watch else { return }
    let name = history.watches[watch].member
    if !members.contains(where: { $0.name == name && belonging.contains($0.id) }) { hangUp(position) }
  }

  private func beginWatch(_ position: Int, at member: StoreMember) {
    let number = history.watches.count
    let wanted = Self.watched[position]
    let start = watchers[position].nextIndex
    history.watches.append(
      RecordedWatch(
        client: 100 + watchers[position].number,
        member: member.name,
        key: wanted.key,
        recursive: wanted.recursive,
        waitIndex: start,
        stream: wanted.stream
      )
    )
    watchers[position].watch = number
    let watch = KeysWatch(key: wanted.key, recursive: wanted.recursive, waitIndex: start, stream: wanted.stream)
    let mailbox = member.mailbox
    let name = member.name
    let request: (EtcdMember) -> Void = { [unowned self] target in
      let cancellation = target.watch(watch) { mailbox.put(.watch(number, $0)) }
      if watchers[position].watch == number {
        watchers[position].cancellation = (name, { cancellation.cancel() })
      } else {
        cancellation.cancel()
      }
    }
    member.requests.append((time + random.pick([0, 1, 5]), request))
  }

  /// Takes over what a member says of a watch, unless its client has gone.
  func note(_ update: KeysWatchUpdate, of watch: Int) {
    guard let position = watchers.firstIndex(where: { $0.watch == watch }) else { return }
    switch update {
    case .started(let index, _, _): history.watches[watch].startedIndex = index
    case .event(let event): history.watches[watch].events.append(event)
    case .failed(let error):
      history.watches[watch].end = error.code == .eventIndexCleared ? .cleared : .closed
      if error.code == .eventIndexCleared { checkCleared(history.watches[watch], error) }
      endWatch(position)
      if error.code == .eventIndexCleared { watchers[position].nextIndex = nil }
    case .closed:
      history.watches[watch].end = .closed
      endWatch(position)
    }
  }

  /// A member may only say that its history does not reach back when it does not.
  private func checkCleared(_ watch: RecordedWatch, _ error: EtcdError) {
    guard let start = watch.waitIndex else { return }
    let capacity = UInt64(checker.reference.history.capacity)
    if start.rawValue + capacity > error.index.rawValue {
      let detail = "a watch from \(start) was refused at index \(error.index), with \(capacity) events kept"
      checker.report(HistoryViolation("watch history", detail, window: [watch.description]))
    }
  }

  /// The client ends the connection.
  private func hangUp(_ position: Int) {
    guard let watch = watchers[position].watch else { return }
    history.watches[watch].end = .closed
    watchers[position].cancellation?.cancel()
    endWatch(position)
  }

  /// The member is gone.
  func disconnect(_ position: Int, from member: StoreMember) {
    guard let watch = watchers[position].watch, history.watches[watch].member == member.name else { return }
    history.watches[watch].end = .closed
    endWatch(position)
  }

  private func endWatch(_ position: Int) {
    if let watch = watchers[position].watch {
      trace.note(history.watches[watch], at: time)
      watchers[position].nextIndex = history.watches[watch].nextIndex ?? watchers[position].nextIndex
    }
    watchers[position].watch = nil
    watchers[position].cancellation = nil
    watchers[position].nextTime = time + Int.random(in: 0...100, using: &random)
  }
}
