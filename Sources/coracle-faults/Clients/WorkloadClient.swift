// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Foundation
import Histories
import TestKit

/// One client of a workload: one operation at a time on keys that it shares with others, each written down.
///
/// Concurrency: lives on a thread of its own, which it blocks.
struct WorkloadClient {
  /// How long a client waits for an answer: longer than an election, shorter than a member's own limit of 7 s.
  private static let patienceMilliseconds = 4_000

  let number: Int
  let root: String
  let members: MemberDirectory
  var random: SeededGenerator
  private var place: Int
  private var connection: StoreConnection
  /// What it saw last of each register, for comparisons that have a chance.
  private var seen: [String: NodeView] = [:]
  private var count = 0
  private(set) var operations: [ClientOperation] = []

  init(number: Int, root: String, members: MemberDirectory, seed: UInt64) {
    self.number = number
    self.root = root
    self.members = members
    random = SeededGenerator(seed: seed &+ UInt64(number))
    place = number % members.socketPaths.count
    connection = StoreConnection(socketPath: members.socketPaths[place])
  }

  /// Takes one step, and a pause after it.
  mutating func step() {
    let (key, action) = next()
    let outcome = perform(key, action)
    switch outcome {
    case .succeeded(let event): if !event.node.isDirectory { seen[key] = event.action.leavesNode ? event.node : nil }
    case .failed: seen[key] = nil
    case .unknown, .refused: moveOn()
    }
    StoreConnection.pause(milliseconds: CInt.random(in: 2...12, using: &random))
  }

  /// Reads every register with quorum, so that the history says how it ended.
  mutating func readAll() {
    for key in Self.registers(below: root) {
      for _ in 1...5 {
        if case .succeeded = perform(key, .read(quorum: true)) { break }
        if case .failed? = operations.last?.outcome { break }
        moveOn()
        StoreConnection.pause(milliseconds: 100)
      }
    }
  }

  static func registers(below root: String) -> [String] {
    (0..<5).map { "\(root)/r\($0)" } + ["\(root)/tree/a", "\(root)/tree/b"]
  }

  /// To the next member, after a pause that lets others have their turn.
  private mutating func moveOn() {
    connection.disconnect()
    place = (place + 1) % members.socketPaths.count
    connection = StoreConnection(socketPath: members.socketPaths[place])
    StoreConnection.pause(milliseconds: 30)
  }

  // MARK: What to do

  private mutating func next() -> (String, ClientOperation.Action) {
    count += 1
    let value = "c\(number)-\(count)"
    let registers = Self.registers(below: root)
    let key = registers[Int.random(in: 0..<registers.count, using: &random)]
    let known = seen[key]
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<18: return (key, .read(quorum: true))
    case 18..<26: return (key, .read(quorum: false))
    case 26..<42: return (key, .write(.set(value: value, isDirectory: false, ttl: .permanent, refresh: false)))
    case 42..<46: return (key, .write(.set(value: value, isDirectory: false, ttl: .seconds(1), refresh: false)))
    case 46..<58:
      let comparison = Comparison(previousValue: known?.value ?? "c0-1")
      return (key, .write(.compareAndSwap(value: value, comparison: comparison, ttl: .permanent, refresh: false)))
    case 58..<66:
      let comparison = Comparison(previousIndex: known?.modifiedIndex ?? EtcdIndex(1))
      return (key, .write(.compareAndSwap(value: value, comparison: comparison, ttl: .permanent, refresh: false)))
    case 66..<70: return (key, .write(.create(value: value, isDirectory: false, ttl: .permanent)))
    case 70..<74: return (key, .write(.update(value: value, ttl: .permanent, refresh: false)))
    case 74..<78: return (key, .write(.delete(isDirectory: false, recursive: false)))
    case 78..<81: return (key, .write(.compareAndDelete(comparison: Comparison(previousValue: known?.value ?? "c0-1"))))
    case 81..<82: return ("\(root)/tree", .write(.delete(isDirectory: true, recursive: true)))
    case 82..<90: return ("\(root)/queue", .write(.createInOrder(value: value, isDirectory: false, ttl: .permanent)))
    default:
      let unique = "\(root)/unique/\(value)"
      return (unique, .write(.set(value: value, isDirectory: false, ttl: .permanent, refresh: false)))
    }
  }

  // MARK: Doing it

  private mutating func perform(_ key: String, _ action: ClientOperation.Action) -> ClientOperation.Outcome {
    let request: KeysRequest =
      switch action {
      case .read(let quorum): .read(key: key, KeysRead(quorum: quorum))
      case .write(let write): .write(key: key, write)
      }
    let encoded = KeysRequestEncoder.encode(request)
    var operation = ClientOperation(
      client: number,
      member: members.name(of: place),
      key: key,
      action: action,
      invoked: Moment(StoreConnection.now())
    )
    let outcome = outcome(of: encoded)
    operation.finish(outcome, at: Moment(StoreConnection.now()))
    operations.append(operation)
    return outcome
  }

  private func outcome(of request: EncodedKeysRequest) -> ClientOperation.Outcome {
    let answer: (head: StoreConnection.Head, body: [UInt8])
    do {
      answer = try connection.exchange(
        request.method.rawValue,
        request.target,
        form: request.form,
        within: Self.patienceMilliseconds
      )
    } catch {
      switch error {
      case .notSent: return .refused
      case .noAnswer: return .unknown
      }
    }
    let index = answer.head.fields["x-etcd-index"].flatMap { UInt64($0) }.map { EtcdIndex($0) }
    if answer.head.status == 503 { return .refused }
    if (200...299).contains(answer.head.status) {
      return (try? KeysJSON.decodeEvent(answer.body, etcdIndex: index)).map { .succeeded($0) } ?? .unknown
    }
    guard let error = try? KeysJSON.decodeError(answer.body), error.code != .raftInternal else { return .unknown }
    return .failed(error)
  }
}

extension EventAction {
  /// Whether the node is there afterwards.
  fileprivate var leavesNode: Bool {
    switch self {
    case .get, .set, .create, .update, .compareAndSwap: true
    case .delete, .compareAndDelete, .expire: false
    }
  }
}
