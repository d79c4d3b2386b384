// SPDX-License-Identifier: Apache-2.0
public import EtcdStore

/// One request of a client, from its invocation to its answer.
public struct ClientOperation: Sendable, Equatable {
  /// What was asked for.
  public enum Action: Sendable, Equatable {
    /// A read of one key: with `quorum` it must be linearizable, without it is this member's own state.
    case read(quorum: Bool)
    /// A write.
    case write(KeysWrite)
  }

  /// What the client knows of it.
  public enum Outcome: Sendable, Equatable {
    /// It took effect; the event as answered, with the answer's `X-Etcd-Index`.
    case succeeded(Event)
    /// The store refused it: it changed nothing, and the code tells what the store held.
    case failed(EtcdError)
    /// Nobody knows (time ran out, the connection broke, error 300): a write may take effect at any time, once, or never.
    case unknown
    /// It was never carried out, which is certain, and tells nothing (no connection, refused before it was proposed).
    case refused
  }

  /// Who asked; a client has one operation at a time.
  public var client: Int
  /// The member that was asked, and in which of its lives: `m1#2` after its first restart.
  public var member: String
  /// The key, clean.
  public var key: String
  /// What was asked for.
  public var action: Action
  /// When it was asked.
  public var invoked: Moment
  /// When it was answered; ``Moment/never`` while it is not, and for unknown outcomes.
  public var returned: Moment
  /// What came of it.
  public var outcome: Outcome

  /// Makes an operation that is under way.
  public init(client: Int, member: String, key: String, action: Action, invoked: Moment) {
    self.client = client
    self.member = member
    self.key = key
    self.action = action
    self.invoked = invoked
    returned = .never
    outcome = .unknown
  }

  /// Notes the answer; an unknown outcome never returns, since it may take effect later.
  public mutating func finish(_ outcome: Outcome, at moment: Moment) {
    self.outcome = outcome
    returned = outcome == .unknown ? .never : moment
  }

  /// Whether it takes its place in the one order of the store's changes: every write, and quorum reads.
  public var isLinearizable: Bool {
    switch action {
    case .read(let quorum): quorum
    case .write: true
    }
  }

  /// Whether it is a write that changed the store, as far as the client knows.
  public var isAcknowledgedWrite: Bool {
    if case .write = action, case .succeeded = outcome { true } else { false }
  }

  /// The store's index that the answer names; nil when it names none.
  ///
  /// An acknowledged write has its own index; a read and a failure have that of the store when they looked.
  public var observedIndex: EtcdIndex? {
    switch outcome {
    case .succeeded(let event): isAcknowledgedWrite ? event.node.modifiedIndex : event.etcdIndex.knownIndex
    case .failed(let error): error.index.knownIndex
    case .unknown, .refused: nil
    }
  }
}

extension EtcdIndex {
  fileprivate var knownIndex: EtcdIndex? { self == .zero ? nil : self }
}

extension ClientOperation: CustomStringConvertible {
  /// One line for people: `17…42 c3 at m1#1  set /a = x → ok index 9`.
  public var description: String {
    "\(invoked)…\(returned) c\(client) at \(member)  \(what) → \(answer)"
  }

  private var what: String {
    switch action {
    case .read(let quorum): "\(quorum ? "quorum get" : "get") \(key)"
    case .write(let write): write.line(on: key)
    }
  }

  private var answer: String {
    switch outcome {
    case .succeeded(let event): "ok \(event.line)"
    case .failed(let error): "error \(error.code.rawValue) (\(error.cause)) at index \(error.index)"
    case .unknown: "unknown"
    case .refused: "not carried out"
    }
  }
}

extension KeysWrite {
  func line(on key: String) -> String {
    switch self {
    case .set(let value, let isDirectory, let ttl, let refresh):
      "\(refresh ? "refresh" : "set") \(key) \(isDirectory ? "as directory" : "= \(value)")\(ttl.line)"
    case .create(let value, let isDirectory, let ttl):
      "create \(key) \(isDirectory ? "as directory" : "= \(value)")\(ttl.line)"
    case .createInOrder(let value, _, let ttl): "create in order below \(key) = \(value)\(ttl.line)"
    case .update(let value, let ttl, let refresh):
      "\(refresh ? "refresh" : "update") \(key) = \(value ?? "")\(ttl.line)"
    case .compareAndSwap(let value, let comparison, let ttl, _):
      "compare and swap \(key) = \(value)\(ttl.line)\(comparison.line)"
    case .delete(_, let recursive): "delete \(key)\(recursive ? " recursively" : "")"
    case .compareAndDelete(let comparison): "compare and delete \(key)\(comparison.line)"
    }
  }
}

extension Comparison {
  fileprivate var line: String {
    (previousValue.map { " if value \($0)" } ?? "") + (previousIndex.map { " if index \($0)" } ?? "")
  }
}

extension TTLChange {
  fileprivate var line: String {
    switch self {
    case .permanent: ""
    case .seconds(let seconds): " for \(seconds) s"
    }
  }
}

extension Event {
  /// One line for people: `set /a = x created 4 modified 9 was y of 7`.
  public var line: String {
    var text = "\(action.rawValue) \(node.key)"
    if let value = node.value { text += " = \(value)" }
    text += " created \(node.createdIndex) modified \(node.modifiedIndex)"
    if action == .get { text += " at index \(etcdIndex)" }
    if let previous = previousNode { text += " was \(previous.value ?? "a directory") of \(previous.modifiedIndex)" }
    return text
  }
}
