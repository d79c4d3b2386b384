// SPDX-License-Identifier: Apache-2.0

@_spi(Simulation) import EtcdServer
import EtcdStore
import EtcdWire
import Histories
@_spi(Simulation) import Raft

/// A client with one request at a time.
struct StoreClient {
  var number: Int
  /// The operation under way, by its position in the history.
  var operation: Int?
  /// When it gives up waiting.
  var deadline = 0
  /// When it asks again.
  var nextTime = 0
  /// What it asks again for, since it does not know what came of it.
  var retry: (key: String, write: KeysWrite)?
  /// Nodes as it saw them last, for comparisons; the newest is last.
  var seen: [NodeView] = []
  /// Makes its values unique.
  var writeCount = 0
}

extension StoreCluster {
  private static let files = ["/a", "/b", "/d/x", "/d/y", "/h/_z"]
  private static let shortLived = ["/t/1", "/t/2"]

  /// What clients and watchers do in this millisecond.
  func runClients() {
    for position in clients.indices { run(position) }
    for position in watchers.indices { runWatcher(position, at: members.filter(\.isUp)) }
  }

  /// What they do when nothing new is to begin: wait for answers, and keep watching.
  func finishClients() {
    for position in clients.indices {
      if let operation = clients[position].operation, clients[position].deadline <= time {
        give(up: operation, by: position)
      }
    }
    let belonging = leader?.status?.configuration.members ?? []
    for position in watchers.indices {
      if watchers[position].watch == nil {
        runWatcher(position, at: members.filter { $0.isUp && belonging.contains($0.id) })
      } else {
        leaveStranger(position, belonging)
      }
    }
  }

  private func run(_ position: Int) {
    if let operation = clients[position].operation {
      if clients[position].deadline <= time { give(up: operation, by: position) }
      return
    }
    guard clients[position].nextTime <= time else { return }
    let up = members.filter { $0.isUp }
    guard !up.isEmpty else { return }
    let (key, action) = nextRequest(of: position)
    ask(random.pick(up), key, action, by: position)
  }

  /// Sends a request of a client.
  func ask(_ member: StoreMember, _ key: String, _ action: ClientOperation.Action, by position: Int) {
    let number = history.operations.count
    history.operations.append(
      ClientOperation(
        client: clients[position].number,
        member: member.name,
        key: key,
        action: action,
        invoked: nextMoment()
      )
    )
    clients[position].operation = number
    clients[position].deadline = time + Int.random(in: 50...800, using: &random)
    let mailbox = member.mailbox
    let request: KeysRequest =
      switch action {
      case .read(let quorum): .read(key: key, KeysRead(quorum: quorum))
      case .write(let write): .write(key: key, write, patience: patience(for: write))
      }
    let due = time + random.pick([0, 0, 1, 5])
    member.requests.append((due, { $0.perform(request) { mailbox.put(.answer(number, $0)) } }))
  }

  /// Half of the refreshes may be kept back, some for longer than their clients wait.
  private func patience(for write: KeysWrite) -> Duration {
    guard write.refreshedSeconds != nil, random.chance(50) else { return .zero }
    return .milliseconds(random.pick([20, 100, 300, 700]))
  }

  private func give(up operation: Int, by position: Int) {
    history.operations[operation].finish(.unknown, at: .never)
    if case .write(let write) = history.operations[operation].action, random.chance(40) {
      clients[position].retry = (history.operations[operation].key, write)
    }
    becomeIdle(position)
  }

  private func becomeIdle(_ position: Int) {
    clients[position].operation = nil
    clients[position].nextTime = time + Int.random(in: 0...rates.operationMilliseconds * 2, using: &random)
  }

  /// An answer has come, if its client still waits.
  func finish(_ operation: Int, _ result: Result<KeysReply, EtcdError>) {
    guard let position = clients.firstIndex(where: { $0.operation == operation }) else { return }
    let outcome: ClientOperation.Outcome
    switch result {
    case .success(let reply):
      outcome = .succeeded(reply.event)
      clients[position].seen.removeAll { $0.key == reply.event.node.key }
      if !reply.event.node.isDirectory { clients[position].seen.append(reply.event.node) }
    case .failure(let error):
      // Only the refusal to take it in is certain to have left nothing behind.
      let isRefused = error.code == .raftInternal && error.cause.hasSuffix("too many requests")
      outcome = isRefused ? .refused : error.code == .raftInternal ? .unknown : .failed(error)
    }
    history.operations[operation].finish(outcome, at: nextMoment())
    trace.note(history.operations[operation], at: time)
    becomeIdle(position)
  }

  /// The process of a member is gone, and with it every connection.
  func disconnectClients(of member: StoreMember) {
    for position in clients.indices {
      guard let operation = clients[position].operation, history.operations[operation].member == member.name else {
        continue
      }
      give(up: operation, by: position)
    }
    for position in watchers.indices { disconnect(position, from: member) }
  }

  // MARK: Requests

  private func nextRequest(of position: Int) -> (String, ClientOperation.Action) {
    if let retry = clients[position].retry {
      clients[position].retry = nil
      return (retry.key, .write(retry.write))
    }
    let key = random.pick(Self.files)
    switch Int(random.next() % 100) {
    case ..<16: return (random.chance(20) ? random.pick(Self.shortLived) : key, .read(quorum: true))
    case ..<30: return (random.chance(20) ? random.pick(Self.shortLived) : key, .read(quorum: false))
    case ..<35: return ("/q", .write(.createInOrder(value: nextValue(position), isDirectory: false, ttl: .permanent)))
    case ..<38: return ("/d", .write(.delete(isDirectory: true, recursive: true)))
    case ..<50: return (random.pick(Self.shortLived), .write(shortLivedWrite(position)))
    default: return (key, .write(write(to: key, position)))
    }
  }

  private func nextValue(_ position: Int) -> String {
    clients[position].writeCount += 1
    return "c\(clients[position].number)-\(clients[position].writeCount)"
  }

  private func shortLivedWrite(_ position: Int) -> KeysWrite {
    let ttl = TTLChange.seconds(random.pick([0, 1, 1, 2]))
    switch Int(random.next() % 5) {
    case 0: return .set(value: "", isDirectory: false, ttl: ttl, refresh: true)
    case 1, 2: return .update(value: nil, ttl: ttl, refresh: true)
    default: return .set(value: nextValue(position), isDirectory: false, ttl: ttl, refresh: false)
    }
  }

  private func write(to key: String, _ position: Int) -> KeysWrite {
    let value = nextValue(position)
    switch Int(random.next() % 10) {
    case 0: return .create(value: value, isDirectory: false, ttl: .permanent)
    case 1: return .update(value: value, ttl: .permanent, refresh: false)
    case 2, 3, 4:
      let comparison = comparison(for: key, position)
      return .compareAndSwap(value: value, comparison: comparison, ttl: .permanent, refresh: false)
    case 5: return .delete(isDirectory: false, recursive: false)
    case 6: return .compareAndDelete(comparison: comparison(for: key, position))
    default: return .set(value: value, isDirectory: false, ttl: .permanent, refresh: false)
    }
  }

  /// What the client saw last, which others may have changed meanwhile.
  private func comparison(for key: String, _ position: Int) -> Comparison {
    guard let node = clients[position].seen.last(where: { $0.key == key }), let value = node.value else {
      return Comparison(previousIndex: EtcdIndex(1 + random.next() % 50))
    }
    return random.chance(50) ? Comparison(previousValue: value) : Comparison(previousIndex: node.modifiedIndex)
  }

  /// The files that clients use.
  var usedKeys: [String] { Self.files + Self.shortLived }
}
